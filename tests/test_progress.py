"""Where there is no terminal, progress is a line at the beginning, at the end, and now and then between."""

from __future__ import annotations

import re

import pytest

from memproxy.progress import Bars, rate


def test_a_step_says_when_it_begins_and_when_it_ends(capsys: pytest.CaptureFixture[str]):
    with Bars() as bars:
        for done in range(5):
            bars.advance("fetching", done, 4)
        bars.advance("fetching", 4, 4)
    assert capsys.readouterr() == ("", "fetching ...\nfetching done\n")


def test_with_a_unit_it_says_how_many_and_how_fast(capsys: pytest.CaptureFixture[str]):
    with Bars(unit="messages") as bars:
        bars.advance("[red]my file[/red]", 0, 10)
        bars.advance("[red]my file[/red]", 10, 10, count=1234)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "[red]my file[/red] ..."
    assert re.fullmatch(r"\[red\]my file\[/red\] done \(1,234 messages, [\d,.]+/s\)", lines[1])


def test_a_rate_is_exact_only_where_it_is_small():
    assert rate(10_000, "messages", 4.0) == "10,000 messages, 2,500/s"
    assert rate(3, "jobs", 4.0) == "3 jobs, 0.8/s"
    assert rate(3, "jobs", 0.0) == "3 jobs, 0.0/s"
