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
    places, gaps = held.places()
    assert held.lexical.match(["dog"], places, len(gaps)).own.any()
    assert not held.lexical.match(["cat"], places, len(gaps)).own.any()
