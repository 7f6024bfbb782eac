"""What every `Index` promises, as tests: subclass it and give an opened `index` fixture.

The index must be opened for `dimensions = IndexContract.DIMENSIONS` and `model = IndexContract.MODEL`.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from memproxy.domain import Changes, Fact, FactState, Scope
from memproxy.ports import Index, Vector

ALICE = Scope("acme", "alice")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def unit(seed: int, dimensions: int = 16) -> Vector:
    """A direction that depends on the seed alone, rounded as facts store it."""
    vector = np.random.default_rng(seed).standard_normal(dimensions)
    rounded: Vector = (vector / np.linalg.norm(vector)).astype("<f2").astype(np.float32)
    return rounded


def fact(number: int, vector: Vector, *, state: FactState = FactState.CURRENT, model: str = "contract") -> Fact:
    """A fact with that number and embedding, and nothing else of interest."""
    embedding = None if state is FactState.FORGOTTEN else vector.astype("<f2").tobytes()
    return Fact(
        id=f"fact-{number}", kind="episode", text=f"fact {number}", tokens=3, first_seen=NOON, last_seen=NOON,
        number=number, state=state, embedding=embedding, model=model,
    )  # fmt: skip


def facts(*numbers: int) -> tuple[Fact, ...]:
    return tuple(fact(number, unit(number)) for number in numbers)


class IndexContract:
    """Inherit, and override `index`."""

    DIMENSIONS = 16
    MODEL = "contract"

    @pytest.fixture
    def index(self) -> Index:
        raise NotImplementedError("a subclass gives the index")

    async def numbers(self, index: Index, scope: Scope = ALICE, *, near: int = 1, limit: int = 1000) -> list[int]:
        return [number for number, _ in await index.search(scope, unit(near), limit=limit)]

    def test_it_is_an_index(self, index: Index) -> None:
        assert isinstance(index, Index)

    async def test_an_unknown_entity_has_version_0_and_no_hits(self, index: Index) -> None:
        assert await index.version(ALICE) == 0
        assert await self.numbers(index) == []

    async def test_what_was_fed_is_found_nearest_first_with_its_cosine(self, index: Index) -> None:
        await index.apply(ALICE, Changes(7, facts(*range(1, 40))), since=0)
        hits = await index.search(ALICE, unit(5), limit=39)
        assert hits[0][0] == 5
        assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)
        assert [score for _, score in hits] == pytest.approx([float(unit(n) @ unit(5)) for n, _ in hits], abs=2e-3)
        assert await index.version(ALICE) == 7

    async def test_limit_bounds_the_hits(self, index: Index) -> None:
        await index.apply(ALICE, Changes(1, facts(*range(1, 40))), since=0)
        assert len(await self.numbers(index, limit=3)) == 3
        assert await self.numbers(index, limit=0) == []

    async def test_changes_add_to_what_is_there(self, index: Index) -> None:
        await index.apply(ALICE, Changes(3, facts(1, 2)), since=0)
        await index.apply(ALICE, Changes(4, facts(3)), since=3)
        assert sorted(await self.numbers(index)) == [1, 2, 3]
        assert await index.version(ALICE) == 4

    async def test_a_changed_embedding_replaces_the_old_one(self, index: Index) -> None:
        await index.apply(ALICE, Changes(1, facts(1, 2, 3)), since=0)
        await index.apply(ALICE, Changes(2, (fact(2, unit(99)),)), since=1)
        assert sorted(await self.numbers(index)) == [1, 2, 3]
        assert (await self.numbers(index, near=99))[0] == 2

    @pytest.mark.parametrize("state", [FactState.SUPERSEDED, FactState.FORGOTTEN])
    async def test_facts_that_are_no_longer_current_are_taken_out(self, index: Index, state: FactState) -> None:
        await index.apply(ALICE, Changes(1, facts(1, 2, 3)), since=0)
        await index.apply(ALICE, Changes(2, (fact(2, unit(2), state=state),)), since=1)
        assert sorted(await self.numbers(index)) == [1, 3]

    async def test_a_fact_that_comes_back_is_found_again(self, index: Index) -> None:
        await index.apply(ALICE, Changes(1, facts(1, 2)), since=0)
        await index.apply(ALICE, Changes(2, (fact(2, unit(2), state=FactState.SUPERSEDED),)), since=1)
        await index.apply(ALICE, Changes(3, facts(2)), since=2)
        assert sorted(await self.numbers(index)) == [1, 2]

    async def test_everything_can_be_taken_out(self, index: Index) -> None:
        await index.apply(ALICE, Changes(1, facts(1, 2)), since=0)
        gone = tuple(fact(n, unit(n), state=FactState.FORGOTTEN) for n in (1, 2))
        await index.apply(ALICE, Changes(2, gone), since=1)
        assert await self.numbers(index) == []
        assert await index.version(ALICE) == 2

    async def test_taking_out_what_was_never_there_is_harmless(self, index: Index) -> None:
        await index.apply(ALICE, Changes(1, (*facts(1), fact(9, unit(9), state=FactState.FORGOTTEN))), since=0)
        assert await self.numbers(index) == [1]

    async def test_a_fact_without_an_embedding_or_of_another_model_is_left_out(self, index: Index) -> None:
        other = fact(3, unit(3), model="another-model")
        await index.apply(ALICE, Changes(1, (*facts(1, 2), other)), since=0)
        assert sorted(await self.numbers(index)) == [1, 2]

    async def test_replaying_a_change_is_harmless(self, index: Index) -> None:
        await index.apply(ALICE, Changes(1, facts(1)), since=0)
        for _ in range(2):
            await index.apply(ALICE, Changes(2, facts(2)), since=1)
        assert sorted(await self.numbers(index)) == [1, 2]
        assert await index.version(ALICE) == 2

    async def test_a_change_that_comes_late_does_not_undo_a_newer_one(self, index: Index) -> None:
        await index.apply(ALICE, Changes(1, facts(1)), since=0)
        await index.apply(ALICE, Changes(3, (fact(2, unit(2), state=FactState.FORGOTTEN),)), since=1)
        await index.apply(ALICE, Changes(2, facts(2)), since=1)
        assert await self.numbers(index) == [1]
        assert await index.version(ALICE) == 3

    async def test_a_change_that_does_not_connect_is_left_alone_so_that_the_version_stays_true(
        self, index: Index
    ) -> None:
        await index.apply(ALICE, Changes(1, facts(1)), since=0)
        await index.apply(ALICE, Changes(6, facts(2)), since=5)
        assert await index.version(ALICE) == 1
        assert await self.numbers(index) == [1]

    async def test_a_change_of_another_life_of_the_entity_is_left_alone_until_it_starts_anew(
        self, index: Index
    ) -> None:
        await index.apply(ALICE, Changes(1, facts(1), born=1), since=0)
        await index.apply(ALICE, Changes(9, facts(2), born=5), since=1)
        assert await index.version(ALICE) == 1
        assert await self.numbers(index) == [1]
        await index.apply(ALICE, Changes(9, facts(2), born=5), since=0)
        assert await self.numbers(index) == [2]

    async def test_since_0_starts_anew(self, index: Index) -> None:
        await index.apply(ALICE, Changes(5, facts(1, 2)), since=0)
        await index.apply(ALICE, Changes(9, facts(3)), since=0)
        assert await self.numbers(index) == [3]
        assert await index.version(ALICE) == 9

    @pytest.mark.parametrize("other", [Scope("acme", "bob"), Scope("globex", "alice"), Scope("acmealice", "")])
    async def test_entities_and_tenants_are_apart(self, index: Index, other: Scope) -> None:
        await index.apply(ALICE, Changes(1, facts(1)), since=0)
        await index.apply(other, Changes(2, facts(2)), since=0)
        assert await self.numbers(index) == [1]
        assert await self.numbers(index, other) == [2]
        await index.drop(ALICE)
        assert await self.numbers(index, other) == [2]

    async def test_the_process_does_not_narrow(self, index: Index) -> None:
        await index.apply(Scope("acme", "alice", "app"), Changes(1, facts(1)), since=0)
        assert await self.numbers(index, Scope("acme", "alice", "another")) == [1]

    async def test_a_dropped_entity_is_forgotten(self, index: Index) -> None:
        await index.apply(ALICE, Changes(4, facts(1, 2)), since=0)
        await index.drop(ALICE)
        assert await index.version(ALICE) == 0
        assert await self.numbers(index) == []
        await index.drop(ALICE)

    async def test_many_changes_one_after_another_agree_with_one_feed(self, index: Index) -> None:
        await index.apply(ALICE, Changes(1, facts(1)), since=0)
        for number in range(2, 150):
            await index.apply(ALICE, Changes(number, facts(number)), since=number - 1)
        await index.apply(
            ALICE, Changes(150, tuple(fact(n, unit(n), state=FactState.FORGOTTEN) for n in range(1, 100))), since=149
        )
        assert sorted(await self.numbers(index)) == list(range(100, 150))
