"""A block holds what is new and fits, best first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.domain import Source
from memproxy.recall.pack import MISSES, Packing, Seen, by_worth
from memproxy.recall.render import DATE_TOKENS, DAY_TOKENS, FRAME_TOKENS
from memproxy.recall.words import terms
from memproxy.testing.store_samples import after, fact

NOTHING = Seen()


def pack(*facts, budget=1000, limit=50, seen=NOTHING) -> Packing:
    packing = Packing(budget, limit, seen)
    for position, one in enumerate(facts):
        packing.offer(position, one, hash(one.text))
    return packing


def test_what_does_not_fit_makes_room_for_what_does():
    packing = pack(fact(1, tokens=50), fact(2, tokens=60), fact(3, tokens=20), budget=FRAME_TOKENS + 80)
    assert packing.taken == [0, 2]
    assert packing.left_out == [("fact-2", "budget")]


def test_the_same_words_are_said_once():
    assert pack(fact(1, text="tea"), fact(2, text="tea")).left_out == [("fact-2", "duplicate")]


def test_a_statement_is_not_added_to_the_message_it_was_read_in():
    said, read = (Source("m1", "s1"),), (Source("m1", "s1"), Source("m2", "s1"))
    episode, statement = fact(1, sources=said), fact(2, kind="profile", sources=read)
    assert pack(episode, statement).left_out == [("fact-2", "duplicate")]
    assert pack(statement, episode).taken == [0, 1]


def test_what_the_person_corrected_stands_beside_the_message_that_had_it_wrong():
    said = (Source("m1", "s1"),)
    right = fact(2, kind="profile", sources=said, authored=True)
    assert pack(fact(1, sources=said), right).taken == [0, 1]


def test_a_statement_is_not_added_to_a_message_that_was_given_before():
    said = (Source("m1", "s1"),)
    episode, statement = fact(1, sources=said), fact(2, kind="profile", sources=said)
    packing = Packing(1000, 50, Seen(given=frozenset({episode.id})))
    packing.note((episode, statement))
    packing.offer(0, statement, 1)
    assert packing.left_out == [(statement.id, "duplicate")]


def test_what_the_model_sees_anyway_is_left_out():
    seen = Seen(texts=("... I live in Lisbon. ...",), given=frozenset({"fact-2"}))
    packing = pack(fact(1, text="I live in Lisbon."), fact(2), fact(3), seen=seen)
    assert packing.taken == [2]
    assert packing.left_out == [("fact-1", "visible"), ("fact-2", "given")]


def test_it_stops_at_the_limit_and_after_many_that_do_not_fit():
    packing = pack(*(fact(n) for n in range(9)), limit=4)
    assert packing.taken == [0, 1, 2, 3]
    assert {reason for _, reason in packing.left_out} == {"limit"}
    large = [replace(fact(n), tokens=10_000) for n in range(MISSES)]
    assert pack(*large, fact(99)).left_out[-1] == ("fact-99", "budget")


@given(st.lists(st.tuples(st.integers(9, 400), st.integers(0, 3)), max_size=40), st.integers(0, 1000))
def test_a_block_is_never_over_its_budget(sizes, budget):
    facts = [fact(n, tokens=count, at=after(86_400 * day)) for n, (count, day) in enumerate(sizes)]
    packing = pack(*facts, budget=budget)
    shown = [facts[place] for place in packing.taken]
    lines = sum(one.tokens - DATE_TOKENS for one in shown)
    assert packing.tokens == FRAME_TOKENS + lines + DAY_TOKENS * len({one.first_seen.date() for one in shown})
    assert packing.tokens <= budget or not packing.taken


LONG = "Yesterday we walked along the river to the old mill, where Tom had baked bread with walnuts, figs and rosemary."


def test_a_near_duplicate_is_left_out():
    assert pack(fact(1, text=LONG), fact(2, text=f"Lovely: {LONG}")).left_out == [("fact-2", "duplicate")]


@pytest.mark.parametrize(
    "other",
    [
        LONG.replace("Tom", "Ann"),
        LONG.replace("bread", "bread 12"),
        LONG.replace("had baked", "had not baked"),
    ],
    ids=["another word", "a number", "a negation"],
)
def test_what_differs_in_what_counts_is_no_duplicate(other):
    assert pack(fact(1, text=LONG), fact(2, text=other)).taken == [0, 1]


def test_a_question_that_says_no_more_than_this_one_is_left_out():
    asked = frozenset(terms("What am I allergic to?"))
    packing = Packing(1000, 50, NOTHING, asked)
    packing.offer(0, fact(1, text="What am I allergic to?"), 1)
    packing.offer(1, fact(2, text="I am allergic!"), 2)
    packing.offer(2, fact(3, text="Am I allergic to cats?"), 3)
    assert packing.taken == [1, 2]
    assert packing.left_out == [("fact-1", "duplicate")]


def test_text_across_two_visible_messages_is_not_visible():
    seen = Seen(texts=("I live in", "Lisbon."))
    assert seen.has(fact(1, text="I live in\nLisbon.")) is None
    assert seen.has(fact(2, text="Lisbon.")) == "visible"


def test_where_all_fits_the_ranking_is_the_order():
    facts = [fact(n, tokens=count) for n, count in enumerate((90, 10, 50))]
    assert by_worth(facts, np.array([3.0, 2.9, 2.8], np.float32), 1000, 3) == [0, 1, 2]


def test_where_room_is_scarce_short_facts_and_other_messages_come_first():
    said = (Source("m1", "s1"),)
    facts = [
        fact(1, tokens=200, sources=said),
        fact(2, tokens=200, sources=said),
        fact(3, tokens=200),
        fact(4, tokens=20),
    ]
    assert by_worth(facts, np.array([3.0, 2.9, 2.8, 2.2], np.float32), 250, 4) == [3, 0, 2, 1]


def test_what_is_far_better_comes_first_however_long():
    facts = [fact(1, tokens=400), fact(2, tokens=20)]
    assert by_worth(facts, np.array([9.0, 5.0], np.float32), 300, 2) == [0, 1]
