"""Text from a memory is shown, and has no power over the terminal that shows it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from memproxy.cli.screen import show, show_fields, show_json, show_table, visible

ATTACKS = [
    "\x1b[2J\x1b[1;31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\x1b]52;c;cm0gLXJm\x07", "a\rb", "a\x08b", "\x7f",
    "\u202egnp.exe", "\u2066x\u2069", "\x00", "\u2028", "half \ud83d", "\x1bP+q544e\x1b\\", "\x85",
]  # fmt: skip
ODD = [
    "plain",
    "漢字かな交じり",
    "مرحبا بالعالم",
    "שלום",
    "👩‍👩‍👧‍👦 family",
    "e\u0301",
    "🇵🇹",
    "tab\there",
    "two\nlines",
    "",
]


def harmless(text: str) -> bool:
    return not any(
        (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) <= 0x9F or 0xD800 <= ord(c) <= 0xDFFF or c in "\u202e\u2066\u2028"
        for c in text
    )


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_no_control_character_reaches_the_terminal_by_any_way(attack: str, capsys: pytest.CaptureFixture[str]):
    show(attack)
    show_fields([("name", attack), (attack, "x")])
    show_table(("one", "text"), [(attack, attack)])
    show_json({"text": attack})
    assert harmless(capsys.readouterr().out)


@given(st.text())
def test_whatever_the_text_it_is_harmless_and_on_one_line(text: str):
    assert harmless(visible(text))
    assert "\n" not in visible(text)
    assert harmless(visible(text, lines=True))


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"])))
def test_text_without_controls_is_shown_as_it_is(text: str):
    assert visible(text) == text


@pytest.mark.parametrize("text", [*ATTACKS, *ODD], ids=ascii)
def test_json_holds_the_very_text(text: str, capsys: pytest.CaptureFixture[str]):
    show_json({"text": text})
    assert json.loads(capsys.readouterr().out) == {"text": text}


def test_a_pipe_gets_one_line_for_each_row_in_straight_columns(capsys: pytest.CaptureFixture[str]):
    show_table(("name", "kind", "text"), [(text, "k", text * 100) for text in ODD])
    head, *lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ODD)
    column = cell_len(head[: head.index("kind")])
    for line, text in zip(lines, ODD, strict=True):
        assert line.startswith(visible(text))
        assert cell_len(line[: line.index("k", len(visible(text)))]) == column


def test_a_table_without_rows_is_nothing(capsys: pytest.CaptureFixture[str]):
    show_table(("name", "text"), [])
    assert capsys.readouterr().out == ""
