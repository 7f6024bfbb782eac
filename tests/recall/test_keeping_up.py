"""What another replica erased, forgot or learned is so here too, though nobody asks for it here again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from memproxy.domain import Fact, FactState, MemoryWrite, Scope
from memproxy.errors import StoreUnavailable
from memproxy.recall import library
from memproxy.recall.library import Library
from memproxy.tasks import Tasks
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, BOB, fact
from memproxy_hnsw.index import HnswIndex

ROUND = 0.02
EMBEDDED = {"embedding": np.array([1, 0, 0, 0], "<f2").tobytes(), "model": "m"}


class Replica:
    """A library that keeps up with a store to which this replica does not write. Any entity outgrows exact search."""

    def __init__(self, folder: Path, *, store: MemoryStore | None = None) -> None:
        self.folder = folder
        self.store = store or MemoryStore()
        self.tasks, self.gone = Tasks(), 0
        self.index = HnswIndex(folder=folder, dimensions=4, model="m", graph_above=0)
        self.library = Library(
            memory=self.store,
            index=self.index,
            tasks=self.tasks,
            model="m",
            cache_bytes=10**9,
            on_gone=self._gone,
        )

    def _gone(self) -> None:
        self.gone += 1

    async def remember(self, *facts: Fact, scope: Scope = ALICE) -> None:
        version = await self.store.write(scope, MemoryWrite(facts))
        await self.library.load(scope, version)

    def keep_up(self) -> None:
        self.tasks.start("keeping up", self.library.keep_up(ROUND))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 any fact that a test can state
                await asyncio.sleep(0.005)

    def files(self) -> list[Path]:
        return list(self.folder.glob("*.graph"))

    def snapshots(self) -> int:
        return len(self.files())


@pytest.fixture
async def replica(tmp_path: Path) -> AsyncIterator[Replica]:
    made = Replica(tmp_path)
    async with made.index:
        yield made
        await made.tasks.stop()


@pytest.mark.parametrize("reborn", [False, True])
async def test_what_was_erased_leaves_memory_index_disk_and_caches(replica: Replica, reborn: bool) -> None:
    await replica.remember(*(fact(n, text="old", **EMBEDDED) for n in range(40)))
    await replica.remember(fact(1, **EMBEDDED), scope=BOB)
    await replica.until(lambda: replica.snapshots() == 2)
    replica.keep_up()
    await replica.store.erase(ALICE)
    if reborn:
        await replica.store.write(ALICE, MemoryWrite((fact(1, text="new"),)))
    await replica.until(lambda: replica.snapshots() == 1)
    await replica.until(lambda: replica.gone == 1)
    held = replica.library.peek(ALICE)
    assert [one.text for one in held.facts] == ["new"] if held else not reborn
    assert replica.library.peek(BOB) is not None


async def test_what_recall_no_longer_holds_leaves_the_disk(tmp_path: Path) -> None:
    """And so does what was erased while this replica was down."""
    before = Replica(tmp_path)
    async with before.index:
        await before.remember(*(fact(n, **EMBEDDED) for n in range(40)))
        await before.remember(fact(1, **EMBEDDED), scope=BOB)
        await before.until(lambda: before.snapshots() == 2)
    await before.store.erase(ALICE)
    after = Replica(tmp_path, store=before.store)
    async with after.index:
        assert after.snapshots() == 2
        after.keep_up()
        await after.until(lambda: after.snapshots() == 1)
        await after.tasks.stop()
        assert [scope.entity for scope in after.index.kept()] == [BOB.entity]


async def test_the_graph_of_a_snapshot_is_used_after_a_restart(tmp_path: Path) -> None:
    before = Replica(tmp_path)
    async with before.index:
        await before.remember(*(fact(n, **EMBEDDED) for n in range(1, 40)))
        await before.until(lambda: before.snapshots() == 1)
        await before.tasks.stop()
    written = before.files()
    after = Replica(tmp_path, store=before.store)
    async with after.index:
        await after.remember(fact(40, **EMBEDDED))
        hits = await after.index.search(ALICE, np.array([1, 0, 0, 0], np.float32), limit=99)
        assert sorted(number for number, _ in hits) == list(range(1, 41))
        while after.index._workers._running:
            await asyncio.wait(after.index._workers._running)
            await asyncio.sleep(0)
        assert after.files() == written  # a graph that is drawn anew takes the place of the old one
        await after.tasks.stop()


async def test_what_was_forgotten_or_learned_is_taken_in(replica: Replica) -> None:
    await replica.remember(fact(1, text="a secret"), fact(2))
    replica.keep_up()
    await replica.store.write(ALICE, MemoryWrite((fact(1, text="", state=FactState.FORGOTTEN), fact(3))))
    await replica.until(lambda: replica.gone == 1)
    held = replica.library.peek(ALICE)
    assert held is not None
    assert [one.text for one in held.facts] == ["", "fact 2", "fact 3"]


async def test_a_store_that_is_away_is_asked_again(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    await replica.remember(fact(1))
    asked = asyncio.Event()

    async def away(*_: object, **__: object) -> None:
        asked.set()
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(replica.store, "changes", away)
        replica.keep_up()
        await asked.wait()
    await replica.store.erase(ALICE)
    await replica.until(lambda: replica.library.peek(ALICE) is None)


async def test_those_that_are_held_are_compared_in_turn_and_no_more_often_than_said(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [Scope("acme", f"e{n}") for n in range(6)]
    for scope in people:
        await replica.remember(fact(1), scope=scope)
    asked: list[Scope] = []
    monkeypatch.setattr(library, "READS", 100)
    monkeypatch.setattr(replica.library, "_compare", lambda scope, born: _note(asked, scope))
    began = asyncio.get_running_loop().time()
    replica.keep_up()
    await replica.until(lambda: len(asked) >= 12)
    assert (asyncio.get_running_loop().time() - began) * library.READS >= 12
    assert asked[:12] == people * 2


async def _note(asked: list[Scope], scope: Scope) -> None:
    asked.append(scope)
