"""An entity's memory follows its changes, in whatever portions they come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memproxy.domain import Fact, FactState, Source
from memproxy.recall.entity_memory import EntityMemory
from memproxy.testing.store_samples import after, fact

TEXTS = st.sampled_from(["I have a cat", "tea by the sea", "the sun and the sea", "", "?"])
CHANGES = st.lists(
    st.builds(
        lambda number, text, state, kind, session, speaker: fact(
            number,
            number=number,
            text="" if state is FactState.FORGOTTEN else text,
            state=state,
            kind=kind,
            speaker=speaker,
            sources=(Source(f"m{number}", session),),
        ),
        st.integers(1, 6),
        TEXTS,
        st.sampled_from(FactState),
        st.sampled_from(["episode", "profile"]),
        st.sampled_from(["s1", "s2"]),
        st.sampled_from([None, "Alice", "Bob"]),
    ),
    max_size=12,
)


def memory(*facts: Fact) -> EntityMemory:
    held = EntityMemory()
    held.apply(facts)
    return held


def scores(held: EntityMemory) -> dict[int, tuple[float, float]]:
    found = held.match(["cat", "sea"])
    return {number: (float(found.own[row]), float(found.near[row])) for number, row in held.rows.items()}


@given(CHANGES)
def test_changes_one_by_one_end_where_a_fresh_load_does(changes):
    step_by_step = EntityMemory()
    for change in changes:
        step_by_step.apply([change])
    final = {change.number: change for change in changes}
    fresh = memory(*(final[number] for number in sorted(final)))
    assert scores(step_by_step) == scores(fresh)
    assert {fact.id: fact for fact in step_by_step.facts} == {fact.id: fact for fact in fresh.facts}
    assert step_by_step.lexical.bytes == fresh.lexical.bytes


@given(CHANGES)
def test_a_replay_changes_nothing(changes):
    once, twice = memory(*changes), memory(*changes, *changes)
    assert scores(once) == scores(twice)
    assert once.bytes == twice.bytes


def test_a_tombstone_takes_the_fact_out():
    held = memory(fact(1, number=1, text="a cat"), fact(1, number=1, text="", state=FactState.FORGOTTEN))
    assert scores(held) == {1: (0, 0)}
    assert not held.table["alive"].any()
    assert held.facts[0].text == ""


def test_embeddings_are_not_held():
    assert memory(fact(1, number=1, embedding=b"12")).facts[0].embedding is None


def test_episodes_of_a_session_stand_side_by_side_and_sessions_apart():
    in_session = {1: "s1", 2: "s2", 3: "s1"}
    held = memory(*(fact(n, number=n, sources=(Source(f"m{n}", s),)) for n, s in in_session.items()))
    places, gaps = held.line().places, held.line().gaps
    one, two, three = (places[held.rows[number]] for number in in_session)
    assert three == one + 1
    assert abs(two - three) > 2
    assert gaps.sum() == len(gaps) - 3


def test_statements_stand_alone():
    told = (Source("m1", "s1"),)
    held = memory(fact(1, number=1, sources=told), fact(2, number=2, kind="profile", sources=told))
    assert np.ptp(held.line().places) > 2


def test_what_ends_first_decides():
    held = memory(fact(1, number=1, valid_to=after(9), expires_at=after(5)), replace(fact(2), number=2))
    assert held.table["ends"].tolist() == [after(5).timestamp(), float("inf")]


def test_the_days_that_facts_name_are_read_as_they_come_and_again_when_the_text_is_another():
    held = memory(fact(1, number=1, text="no day"), fact(2, number=2, text="the party was on 3 May 2021"))
    assert list(held.spoken_of(np.array([0, 1]))) == [1]
    held.apply([fact(2, number=2, text="no day any more")])
    assert held.spoken_of(np.array([0, 1])) == {}


def test_it_grows_with_what_it_holds():
    assert memory(*(fact(n, number=n) for n in range(1, 200))).bytes > memory(fact(1, number=1)).bytes + 199 * 800
