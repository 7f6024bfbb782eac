"""BM25 over rows that come and go."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memproxy.recall.lexical import LARGE, REACH, Lexical, Matches

WORDS = st.lists(st.sampled_from(["cat", "dog", "tea", "sea", "sun"]), max_size=6)


def index(*rows: list[str]) -> Lexical:
    lexical = Lexical()
    for row, found in enumerate(rows):
        lexical.add(row, found)
    return lexical


def ask(lexical: Lexical, query: str, rows: int) -> Matches:
    """With all rows in one conversation."""
    return lexical.match(query.split(), np.arange(rows) + REACH, rows + 2 * REACH, np.zeros(rows, np.int64))


def test_a_rare_word_counts_for_more_than_a_common_one():
    found = ask(index(["cat", "tea"], ["dog", "tea"], ["sun", "tea"]), "cat tea", 3)
    assert found.own[0] > 2 * found.own[1] > 0


def test_a_short_text_counts_for_more_than_a_long_one():
    found = ask(index(["cat"], ["cat", "dog", "tea", "sea", "sun"]), "cat", 2)
    assert found.own[0] > found.own[1] > 0


def test_words_of_neighbours_count_less_the_farther_they_are():
    near = ask(index(["cat"], ["dog"], ["tea"], ["sea"]), "cat", 4).near
    assert near[0] > near[1] > near[2] > near[3] == 0


def test_a_word_counts_once_however_often_it_stands_nearby():
    repeated = ask(index(["cat"], ["cat", "cat"], ["cat"]), "cat", 3).near
    assert np.allclose(repeated, repeated[0])


def test_conversations_do_not_reach_into_each_other():
    lexical = index(["cat"], ["tea"])
    found = lexical.match(["cat"], np.array([REACH, 2 * REACH + 1]), 4 * REACH, np.array([0, 1]))
    assert found.near[0] > 0 == found.near[1]
    assert found.close[0] > 0 == found.close[1]
    assert found.topic[0] > 0 == found.topic[1]


def test_a_related_word_counts_for_part_of_a_match():
    found = ask(index(["kid"], ["children"], ["tea"], ["tea"], ["tea"]), "kid", 5)
    assert found.held[0] == 1 > found.held[1] > found.held[2] == 0
    assert found.own[1] == 0
    assert found.close[2] > 0
    assert found.topic[4] == 1


def test_a_word_and_its_relative_in_one_text_count_once():
    found = ask(index(["kid", "children"], ["kid"], ["tea"]), "kid", 3)
    assert found.held[0] == found.held[1] == 1


def test_a_long_query_needs_no_related_words():
    words = " ".join(f"word{n}" for n in range(30))
    assert ask(index(["children"], ["tea"]), f"kid {words}", 2).held[0] == 0


@given(st.lists(WORDS, min_size=1, max_size=8), WORDS)
def test_a_large_memory_scores_as_a_small_one_does(rows, query):
    few = ask(index(*rows), " ".join(query), len(rows))
    line = LARGE + len(rows)
    spread = index(*rows).match(query, np.arange(len(rows)) + REACH, line, np.zeros(len(rows), np.int64))
    for score in ("own", "near", "held", "close", "topic"):
        assert np.allclose(getattr(few, score), getattr(spread, score))


def test_a_query_of_unknown_words_matches_nothing():
    found = ask(index(["cat"]), "unicorn", 1)
    assert not found.own.any()
    assert not found.near.any()


def test_an_empty_index_can_be_asked():
    assert len(ask(Lexical(), "cat", 0).own) == 0


@given(st.lists(WORDS, max_size=8), st.lists(WORDS, max_size=8), WORDS)
def test_rows_taken_out_leave_no_trace(kept, gone, query):
    lexical = index(*kept)
    for row, found in enumerate(gone, len(kept)):
        lexical.add(row, found)
    for row, found in enumerate(gone, len(kept)):
        lexical.remove(row, found)
    fresh = index(*kept)
    found, wanted = ask(lexical, " ".join(query), len(kept)), ask(fresh, " ".join(query), len(kept))
    assert np.array_equal(found.own, wanted.own)
    assert np.array_equal(found.near, wanted.near)
    assert lexical.bytes == fresh.bytes


@given(st.lists(WORDS, min_size=1, max_size=8), WORDS, st.randoms(use_true_random=False))
def test_the_order_of_adding_does_not_matter(rows, query, chance):
    lexical = Lexical()
    for row, found in chance.sample(list(enumerate(rows)), len(rows)):
        lexical.add(row, found)
    straight = ask(index(*rows), " ".join(query), len(rows))
    assert np.array_equal(ask(lexical, " ".join(query), len(rows)).own, straight.own)
