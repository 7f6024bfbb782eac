"""Every message is kept, word for word, in pieces that a question can match."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.augment.episodes import IDEOGRAPHS, LONGEST, WORDS, chunks, episode, pieces
from memproxy.domain import Source
from memproxy.testing.store_samples import ALICE, NOON, message


def test_a_short_message_is_one_piece() -> None:
    assert list(chunks("Hello. I live in Lisbon.\n")) == ["Hello. I live in Lisbon."]


@pytest.mark.parametrize("text", ["", "   ", "\n\n\t "])
def test_nothing_makes_no_piece(text: str) -> None:
    assert list(chunks(text)) == []


def test_a_long_message_is_cut_where_sentences_end() -> None:
    text = " ".join(f"This is sentence number {n} of a long message." for n in range(60))
    cut = list(chunks(text))
    assert len(cut) > 3
    assert all(piece.startswith("This is") and piece.endswith(".") for piece in cut)
    assert all(len(piece.split()) <= WORDS for piece in cut)
    assert all(len(piece.split()) > WORDS / 2 for piece in cut[:-1])


def test_lines_are_borders_too() -> None:
    text = "\n".join(" ".join(f"word{n}" for n in range(25)) for _ in range(4))
    assert [len(piece.split()) for piece in chunks(text)] == [50, 50]


def test_a_sentence_longer_than_a_piece_is_cut_between_words() -> None:
    cut = list(chunks(" ".join(["word"] * 150)))
    assert [len(piece.split()) for piece in cut] == [60, 60, 30]


def test_scripts_without_spaces_are_cut_by_characters() -> None:
    cut = list(chunks("今天天气很好，我们去公园散步。" * 60))
    assert len(cut) > 3
    assert all(piece.endswith("。") and len(piece) <= IDEOGRAPHS * 1.2 for piece in cut)


def test_a_megabyte_without_a_border_is_cut_as_well_and_not_all_at_once() -> None:
    first = list(islice(chunks("x" * 1_000_000), 3))
    assert [len(piece) for piece in first] == [LONGEST] * 3


@given(
    st.lists(
        st.sampled_from(["word ", "终", "。", ". ", "\n", "?", "\U0001f98a", " ", "a" * 2000, "かな"]), max_size=400
    )
)
def test_the_pieces_hold_the_whole_message_word_for_word_in_order(parts: list[str]) -> None:
    text = "".join(parts)
    place = 0
    for piece in chunks(text):
        found = text.index(piece, place)
        assert not text[place:found].strip()
        assert piece == piece.strip() != ""
        assert len(piece) <= LONGEST
        place = found + len(piece)
    assert not text[place:].strip()


def test_an_episode_says_who_said_it_where_and_when() -> None:
    said = message("Hello there", name="Ana", external_id="x1", id="m1")
    fact = episode(said, "Hello there", (1, 1), scope=ALICE, session="s1")
    assert (fact.kind, fact.text, fact.speaker, fact.role, fact.process) == (
        "episode",
        "Hello there",
        "Ana",
        "user",
        "chat",
    )
    assert (fact.first_seen, fact.last_seen, dict(fact.metadata)) == (NOON, NOON, {})
    assert fact.sources == (Source("m1", "s1", "x1"),)


def test_a_piece_says_which_of_how_many_it_is() -> None:
    fact = episode(message("a b"), "b", (2, 5), scope=ALICE, session="s1")
    assert dict(fact.metadata) == {"chunk": "2/5"}


def test_a_tools_output_makes_no_episode_and_both_speakers_words_do() -> None:
    kept = {role: list(pieces(message("I live in Rome", role=role))) for role in ("user", "assistant", "tool")}
    assert kept == {"user": ["I live in Rome"], "assistant": ["I live in Rome"], "tool": []}
