"""Turns that wait are committed together, and each waiter learns what became of its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from memproxy.capture import Capture
from memproxy.domain import Committed, Turn
from memproxy.errors import BadRequest, StoreUnavailable
from memproxy.journal import Journal
from memproxy.tasks import Tasks
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, job, turn


class SlowStore(MemoryStore):
    """Keeps the sizes of its commits; waits for `gate`; refuses turns of the session `poison`."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        await self.gate.wait()
        self.groups.append(len(turns))
        if any(one.session == "poison" for one in turns):
            raise BadRequest("cannot store this")
        return await super().commit(turns)


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    owned = Tasks()
    yield owned
    await owned.stop()


def started(store: SlowStore, tasks: Tasks, *, queue: int = 100, woken: Woken | None = None) -> Capture:
    capture = Capture(
        turns=store,
        health=store,
        tasks=tasks,
        queue=queue,
        journal=Journal(folder=Path("/nowhere"), limit=0),
        on_jobs=woken or Woken(),
        on_commit=lambda size, time: None,
    )
    capture.start()
    return capture


async def test_what_arrives_during_a_commit_goes_into_the_next_one_together(tasks: Tasks):
    store = SlowStore()
    capture = started(store, tasks)
    store.gate.clear()
    first = capture.submit(turn("0", session="s"))
    await asyncio.sleep(0.01)
    rest = [capture.submit(turn(str(n), session="s")) for n in range(1, 20)]
    store.gate.set()
    await asyncio.gather(first, *rest)
    assert store.groups == [1, 19]


async def test_a_turn_that_cannot_be_stored_takes_no_other_with_it(tasks: Tasks):
    store = SlowStore()
    capture = started(store, tasks)
    good, bad = capture.submit(turn("a", session="s")), capture.submit(turn("b", session="poison"))
    assert (await good).added == 1
    with pytest.raises(BadRequest):
        await bad


async def test_a_waiter_that_leaves_does_not_take_its_turn_with_it(tasks: Tasks):
    store = SlowStore()
    capture = started(store, tasks)
    store.gate.clear()
    capture.submit(turn("a", session="s")).cancel()
    store.gate.set()
    assert await capture.drain(1) == 0
    assert (await store.messages(ALICE, "s", cursor=None, limit=9)).total == 1


async def test_the_queue_has_a_size_and_says_so(tasks: Tasks):
    store = SlowStore()
    capture = started(store, tasks, queue=2)
    store.gate.clear()
    capture.submit(turn("a")), capture.submit(turn("b"))
    with pytest.raises(StoreUnavailable, match="too many"):
        capture.submit(turn("c"))


async def test_background_work_is_woken_once_per_group_and_only_for_jobs(tasks: Tasks):
    store, woken = SlowStore(), Woken()
    capture = started(store, tasks, woken=woken)
    await capture.submit(turn("a"))
    assert woken.times == 0
    await asyncio.gather(capture.submit(turn("b", jobs=(job(1),))), capture.submit(turn("c", jobs=(job(2),))))
    assert woken.times == 1


async def test_drain_gives_up_at_its_deadline_and_counts_what_is_left(tasks: Tasks):
    store = SlowStore()
    capture = started(store, tasks)
    store.gate.clear()
    capture.submit(turn("a")), capture.submit(turn("b"))
    assert await capture.drain(0.01) == 2
    store.gate.set()
    assert await capture.drain(1) == 0
