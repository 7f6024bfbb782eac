"""Entities are loaded once, kept up to date, and let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from memproxy.domain import Changes, Fact, FactState, MemoryWrite, Scope
from memproxy.errors import StoreUnavailable
from memproxy.recall.library import Library
from memproxy.tasks import Tasks
from memproxy.testing.memory_index import MemoryIndex
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, BOB, fact

VECTOR = np.array([1, 0, 0, 0], "<f2")
EMBEDDED = {"embedding": VECTOR.tobytes(), "model": "m"}


class SlowStore(MemoryStore):
    """Counts the reads of the change feed, and holds them back while `gate` is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def changes(self, scope: Scope, *, since: int) -> Changes:
        self.reads.append(since)
        await self.gate.wait()
        return await super().changes(scope, since=since)


@dataclass
class World:
    store: SlowStore = field(default_factory=SlowStore)
    index: MemoryIndex = field(default_factory=MemoryIndex)
    tasks: Tasks = field(default_factory=Tasks)
    cache_bytes: int = 10**9

    def __post_init__(self) -> None:
        self.library = Library(
            memory=self.store, index=self.index, tasks=self.tasks, model="m", cache_bytes=self.cache_bytes
        )

    async def remember(self, *facts: Fact, scope: Scope = ALICE) -> int:
        return await self.store.write(scope, MemoryWrite(facts=facts))

    async def nearest(self, scope: Scope = ALICE) -> list[int]:
        return [number for number, _ in await self.index.search(scope, VECTOR.astype(np.float32), limit=9)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.tasks.stop()


async def test_a_first_load_feeds_memory_and_index(world):
    version = await world.remember(fact(1, **EMBEDDED), fact(2, **EMBEDDED))
    held = await world.library.load(ALICE, version)
    assert [one.id for one in held.facts] == ["fact-1", "fact-2"]
    assert held.version == version == await world.index.version(ALICE)
    assert await world.nearest() == [1, 2]


async def test_what_is_fresh_is_not_asked_for_again(world):
    version = await world.remember(fact(1))
    await world.library.load(ALICE, version)
    await world.library.load(ALICE, version)
    assert world.store.reads == [0]


async def test_only_what_is_new_is_loaded(world):
    first = await world.remember(fact(1, **EMBEDDED))
    await world.library.load(ALICE, first)
    second = await world.remember(fact(1, state=FactState.SUPERSEDED, **EMBEDDED), fact(2, **EMBEDDED))
    held = await world.library.load(ALICE, second)
    assert world.store.reads == [0, first]
    assert held.table["alive"].tolist() == [False, True]
    assert await world.nearest() == [2]


async def test_without_a_version_the_store_is_asked(world):
    await world.library.load(ALICE, await world.remember(fact(1)))
    await world.remember(fact(2))
    assert len(await world.library.load(ALICE, None)) == 2


async def test_an_index_that_forgot_is_fed_again(world):
    version = await world.remember(fact(1, **EMBEDDED))
    await world.library.load(ALICE, version)
    await world.index.drop(ALICE)
    await world.library.load(ALICE, version)
    assert await world.nearest() == [1]


async def test_concurrent_requests_share_one_load(world):
    version = await world.remember(fact(1))
    loads = await asyncio.gather(*(world.library.load(ALICE, version) for _ in range(5)))
    assert world.store.reads == [0]
    assert all(held is loads[0] for held in loads)


async def test_a_request_that_gives_up_neither_stops_the_load_nor_loses_it(world):
    version = await world.remember(fact(1))
    world.store.gate.clear()
    patient = asyncio.gather(world.library.load(ALICE, version))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await world.library.load(ALICE, version)
    world.store.gate.set()
    [held] = await patient
    assert len(held) == 1
    assert world.store.reads == [0]


async def test_a_request_that_needs_more_than_the_running_load_gets_it(world):
    version = await world.remember(fact(1))
    world.store.gate.clear()
    early = asyncio.gather(world.library.load(ALICE, version))
    await asyncio.sleep(0)
    later = asyncio.gather(world.library.load(ALICE, await world.remember(fact(2))))
    await asyncio.sleep(0)
    world.store.gate.set()
    await early
    [held] = await later
    assert len(held) == 2


async def test_a_store_that_fails_is_every_waiters_error_and_the_next_one_tries_again(world):
    version = await world.remember(fact(1))
    world.store.fault = StoreUnavailable("gone")
    found = await asyncio.gather(*(world.library.load(ALICE, version) for _ in range(2)), return_exceptions=True)
    assert all(isinstance(one, StoreUnavailable) for one in found)
    world.store.fault = None
    assert len(await world.library.load(ALICE, version)) == 1


async def test_a_failed_load_is_not_the_death_of_a_task():
    deaths: list[str] = []
    world = World(tasks=Tasks(on_death=lambda name, error: deaths.append(name)))
    world.store.fault = StoreUnavailable("gone")
    with pytest.raises(StoreUnavailable):
        await world.library.load(ALICE, None)
    assert deaths == []


class BrokenIndex(MemoryIndex):
    async def version(self, scope: Scope) -> int:
        raise StoreUnavailable("broken")

    async def apply(self, scope: Scope, changes: Changes, *, since: int) -> None:
        raise StoreUnavailable("broken")


async def test_a_broken_index_leaves_the_words():
    world = World(index=BrokenIndex())
    held = await world.library.load(ALICE, await world.remember(fact(1, **EMBEDDED)))
    assert len(held) == 1
    assert not held.indexed


async def test_an_index_that_was_away_is_fed_again_though_nothing_changed(world, monkeypatch):
    world.index.error = StoreUnavailable("away")
    version = await world.remember(fact(1, **EMBEDDED))
    assert not (await world.library.load(ALICE, version)).indexed
    world.index.error = None
    assert not (await world.library.load(ALICE, version)).indexed  # not at each request
    monkeypatch.setattr("memproxy.recall.library.AGAIN", 0.0)
    async with asyncio.timeout(5):
        while not (await world.library.load(ALICE, version)).indexed:  # noqa: ASYNC110 nobody waits for it
            await asyncio.sleep(0.01)
    assert await world.nearest() == [1]


async def test_vectors_of_another_model_are_not_compared(world):
    version = await world.remember(fact(1, **EMBEDDED), fact(2, **(EMBEDDED | {"model": "other"})))
    await world.library.load(ALICE, version)
    assert await world.nearest() == [1]


async def test_the_least_recently_used_goes_first():
    world = World(cache_bytes=1)
    await world.library.load(ALICE, await world.remember(fact(1)))
    await world.library.load(BOB, await world.remember(fact(1), scope=BOB))
    assert world.library.peek(ALICE) is None
    assert world.library.peek(BOB) is not None


async def test_an_unknown_entity_has_an_empty_memory(world):
    assert len(await world.library.load(ALICE, 0)) == 0
    assert world.store.reads == []


async def test_an_erased_entity_is_let_go(world):
    await world.library.load(ALICE, await world.remember(fact(1, **EMBEDDED)))
    await world.library.load(ALICE, 0)
    assert world.library.peek(ALICE) is None
    assert await world.nearest() == []


async def reborn(world: World, *facts: Fact) -> int:
    """The entity is erased, by whichever replica, and comes back."""
    await world.store.erase(ALICE)
    return await world.remember(*facts)


async def test_nothing_of_an_entity_erased_elsewhere_is_left_when_it_comes_back(world):
    await world.library.load(ALICE, await world.remember(fact(1, **EMBEDDED), fact(2, **EMBEDDED)))
    version = await reborn(world, fact(3, text="another life", **EMBEDDED))
    held = await world.library.load(ALICE, version)
    assert [one.text for one in held.facts] == ["another life"]
    assert await world.nearest() == [1]
    assert len(await world.library.load(ALICE, await world.remember(fact(4)))) == 2


async def test_what_another_replica_erased_is_let_go_by_whoever_asks_the_store(world):
    await world.library.load(ALICE, await world.remember(fact(1, **EMBEDDED)))
    await world.store.erase(ALICE)
    assert len(await world.library.load(ALICE, None)) == 0
    assert world.library.peek(ALICE) is None
    assert await world.nearest() == []


async def test_two_replicas_on_one_store_come_to_hold_the_same_life():
    store = SlowStore()
    here, there = World(store=store), World(store=store)
    for one in (here, there):
        await one.library.load(ALICE, await here.remember(fact(1, text="old", **EMBEDDED)))
    await store.erase(ALICE)
    await here.library.drop(ALICE)
    version = await here.remember(fact(9, text="new", **EMBEDDED))
    for one in (here, there):
        assert [held.text for held in (await one.library.load(ALICE, version)).facts] == ["new"]
        assert await one.nearest() == [1]


async def test_an_index_that_kept_an_erased_entity_is_told(world):
    """As one does that finds a snapshot on its disk after a restart."""
    await world.library.load(ALICE, await world.remember(fact(1, **EMBEDDED)))
    await world.store.erase(ALICE)
    fresh = World(store=world.store, index=world.index)
    await fresh.library.load(ALICE, 0)
    assert await fresh.nearest() == []


class Fed(MemoryIndex):
    """Notes what it is fed."""

    def __init__(self) -> None:
        super().__init__()
        self.fed: list[tuple[int, list[int]]] = []

    async def apply(self, scope: Scope, changes: Changes, *, since: int) -> None:
        self.fed.append((since, [fact.number for fact in changes.facts]))
        await super().apply(scope, changes, since=since)


async def test_an_index_that_was_kept_over_a_restart_is_fed_what_it_lacks():
    world = World(index=Fed())
    version = await world.remember(fact(1, **EMBEDDED), fact(2, **EMBEDDED))
    await world.library.load(ALICE, version)
    later = await world.remember(fact(3, **EMBEDDED))
    after = World(store=world.store, index=world.index)
    assert len(await after.library.load(ALICE, later)) == 3
    assert world.index.fed == [(0, [1, 2]), (version, [3])]
    assert await after.nearest() == [1, 2, 3]


async def test_an_index_that_was_kept_and_holds_what_was_forgotten_since_begins_anew():
    """It would only mark the vector as gone."""
    world = World(index=Fed())
    await world.library.load(ALICE, await world.remember(fact(1, **EMBEDDED), fact(2, **EMBEDDED)))
    later = await world.remember(fact(1, text="", state=FactState.FORGOTTEN))
    after = World(store=world.store, index=world.index)
    await after.library.load(ALICE, later)
    assert world.index.fed == [(0, [1, 2]), (0, [1, 2])]
    assert await after.nearest() == [2]


async def test_an_index_that_kept_another_life_of_the_entity_begins_anew(world):
    await world.library.load(ALICE, await world.remember(fact(1, **EMBEDDED), fact(2, **EMBEDDED)))
    version = await reborn(world, fact(9, **EMBEDDED))
    after = World(store=world.store, index=world.index)
    await after.library.load(ALICE, version)
    assert await after.nearest() == [1]


async def test_an_index_that_is_ahead_of_the_store_begins_anew(world):
    """As after a backup was put back."""
    await world.index.apply(ALICE, Changes(2**60, (fact(7, **EMBEDDED),), born=1), since=0)
    version = await world.remember(fact(1, **EMBEDDED))
    await world.library.load(ALICE, version)
    assert await world.index.version(ALICE) == version
    assert await world.nearest() == [1]


async def test_an_entity_whose_facts_wait_for_vectors_is_told_of_once():
    told: list[Scope] = []
    world = World()
    world.library = Library(
        memory=world.store, index=world.index, tasks=world.tasks, model="m", cache_bytes=9, on_bare=told.append
    )
    await world.library.load(ALICE, await world.remember(fact(1, **EMBEDDED)))
    assert told == []
    await world.library.load(ALICE, await world.remember(fact(2, embedding=b"12", model="other")))
    await world.library.load(ALICE, await world.remember(fact(3)))
    assert told == [ALICE]


async def test_a_drop_outlasts_the_load_it_meets(world):
    version = await world.remember(fact(1, **EMBEDDED))
    world.store.gate.clear()
    load = asyncio.gather(world.library.load(ALICE, version))
    await asyncio.sleep(0)
    drop = asyncio.gather(world.library.drop(ALICE))
    await asyncio.sleep(0)
    world.store.gate.set()
    await asyncio.gather(load, drop)
    assert world.library.peek(ALICE) is None
    assert await world.nearest() == []


async def test_a_load_may_be_begun_before_anyone_asks(world):
    version = await world.remember(fact(1))
    world.library.prepare(ALICE)
    world.library.prepare(ALICE)
    await world.library.load(ALICE, version)
    assert world.store.reads == [0]


async def test_the_event_loop_goes_on_during_a_large_load(world):
    version = await world.remember(*(fact(n, text=f"word{n} " * 50) for n in range(1, 400)))
    turns = 0
    load = asyncio.gather(world.library.load(ALICE, version))
    while not load.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 5


async def test_a_text_replaced_in_place_is_found_by_its_new_words_only(world):
    await world.library.load(ALICE, await world.remember(fact(1, text="a cat")))
    held = await world.library.load(ALICE, await world.remember(replace(fact(1), text="a dog")))
    assert held.match(["dog"]).own.any()
    assert not held.match(["cat"]).own.any()
