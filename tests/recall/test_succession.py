"""Which facts took the place of which."""

from __future__ import annotations

from dataclasses import replace

from memproxy.domain import Fact, FactState, Source
from memproxy.recall.succession import Succession
from memproxy.testing.store_samples import fact


def statement(serial: int, by: str | None = None) -> Fact:
    state = FactState.CURRENT if by is None else FactState.SUPERSEDED
    said = (Source(f"m{serial}", "s1"),)
    return fact(serial, kind="profile", state=state, superseded_by=by, sources=said)


def line(*facts: Fact) -> Succession:
    made = Succession()
    for row, one in enumerate(facts):
        made.take(row, one, None)
    return made


def test_the_heir_is_the_last_of_the_line():
    homes = line(statement(1, "fact-2"), statement(2, "fact-3"), statement(3))
    assert [homes.heir(row) for row in range(3)] == [2, 2, 2]
    assert list(homes.heirs("m1")) == [2]
    assert homes.predecessors([2]) == [0, 1]
    assert set(homes.closed) == {0, 1}


def test_without_a_known_heir_nothing_is_said():
    assert line(statement(1, "gone")).heir(0) is None
    assert list(line(statement(1, "gone")).heirs("m1")) == []


def test_a_circle_has_no_heir():
    assert line(statement(1, "fact-2"), statement(2, "fact-1")).heir(0) is None


def test_what_holds_again_is_outdated_no_more():
    homes = line(statement(1, "fact-2"), statement(2))
    homes.take(0, replace(statement(1), superseded_by=None), statement(1, "fact-2"))
    assert homes.closed == ()
    assert list(homes.heirs("m1")) == []


def test_episodes_are_not_replaced():
    assert line(replace(statement(1, "fact-2"), kind="episode")).closed == ()
