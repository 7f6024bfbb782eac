"""A block holds what is new and fits, best first."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from memproxy.domain import Source
from memproxy.recall.pack import MISSES, Packing, Seen
from memproxy.recall.render import FRAME_TOKENS
from memproxy.testing.store_samples import fact

NOTHING = Seen()


def pack(*facts, budget=1000, limit=50, seen=NOTHING) -> Packing:
    packing = Packing(budget, limit, seen)
    for position, one in enumerate(facts):
        if packing.full:
            break
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
    assert pack(*(fact(n) for n in range(9)), limit=4).taken == [0, 1, 2, 3]
    large = [replace(fact(n), tokens=10_000) for n in range(99)]
    assert len(pack(*large).left_out) == MISSES


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(0, 1000))
def test_a_block_is_never_over_its_budget(tokens, budget):
    packing = pack(*(fact(n, tokens=count) for n, count in enumerate(tokens)), budget=budget)
    assert packing.tokens == FRAME_TOKENS + sum(tokens[i] for i in packing.taken)
    assert packing.tokens <= budget or not packing.taken
