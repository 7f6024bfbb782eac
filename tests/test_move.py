"""Moving a store into another: all of it arrives, a move that broke off goes on, and every difference is found."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from memproxy.domain import Fact, JobState, MemoryWrite
from memproxy.errors import BadRequest, ConfigError, StoreUnavailable
from memproxy.move import WHAT, Move, Moved
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_contract import api_key
from memproxy.testing.store_samples import ALICE, BOB, STRANGER, fact, job, turn
from tests.adapters.data.content import contents, fill


class Told:
    """The steps, and how far each came."""

    def __init__(self) -> None:
        self.steps: dict[str, list[tuple[int, int, int]]] = {}

    def __call__(self, step: str, done: int, total: int, *, count: int) -> None:
        self.steps.setdefault(step, []).append((done, total, count))


async def moved(source: MemoryStore, target: MemoryStore, told: Told | None = None) -> Moved:
    return await Move(source=source, target=target, progress=told or Told()).run()


def queued(told: dict[str, object]) -> dict[str, object]:
    """The contents as they are after a move: done jobs stay behind, and no job runs."""
    for name, jobs in told.items():
        if name.startswith("jobs of"):
            assert isinstance(jobs, list)
            told[name] = [
                replace(one, state=JobState.PENDING, worker=None, lease_until=None)
                if one.state is JobState.RUNNING
                else one
                for one in jobs
                if one.state is not JobState.DONE
            ]
    return told


@pytest.fixture
async def source() -> MemoryStore:
    store = MemoryStore()
    await fill(store)
    return store


async def test_everything_arrives_and_is_counted(source: MemoryStore):
    target, told = MemoryStore(), Told()
    came = await moved(source, target, told)
    assert came.difference is None
    assert await contents(target) == queued(await contents(source))
    assert [came.there[what] for what in WHAT] == [3, 3, 4, 6, 30, 7, 2, 3, 6, 4]
    assert came.here == came.there
    for steps in (told.steps["copying"], told.steps["comparing"]):
        done = [step[0] for step in steps]
        assert done == sorted(done)
        assert [step[0] == step[1] for step in steps] == [False] * (len(steps) - 1) + [True]
        assert steps[-1][2] == 54


class Breaking(MemoryStore):
    """Is lost after so many writes of rows."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.left = rows

    async def restore(self, scope, rows):
        added = 0
        for row in rows:
            if self.left == 0:
                raise StoreUnavailable("gone")
            self.left -= 1
            added += await super().restore(scope, [row])
        return added


@pytest.mark.parametrize("rows", [0, 1, 2, 5, 12, 14, 21, 25, 28, 40, 53])
async def test_a_move_that_broke_off_anywhere_is_gone_on_with(source: MemoryStore, rows: int):
    target = Breaking(rows)
    with pytest.raises(StoreUnavailable):
        await moved(source, target)
    target.left = 999
    assert (await moved(source, target)).difference is None
    assert 999 - target.left <= 54
    assert await contents(target) == queued(await contents(source))


async def test_a_move_may_be_done_twice(source: MemoryStore):
    target = MemoryStore()
    await moved(source, target)
    await source.revoke_key("k1", now=api_key(9).created_at)
    assert (await moved(source, target)).difference is None
    assert await target.find_key("k1") == await source.find_key("k1")


@pytest.mark.parametrize("what", ["tenant", "key", "job", "entity", "message", "fact"])
async def test_a_target_that_holds_anything_else_is_refused_before_anything_is_written(source: MemoryStore, what: str):
    target = MemoryStore()
    match what:
        case "tenant":
            await target.create_key(api_key(1, "others"))
        case "key":
            await target.create_key(api_key(1))  # of the id that one in the source has
        case "job":
            await target.enqueue([job(99)])
        case "entity":
            await target.commit([turn("a", scope=BOB)])
        case "message":
            await target.commit([turn("something else")])
        case "fact":
            await target.write(STRANGER, MemoryWrite((fact(1),)))
    before = await contents(target)
    with pytest.raises(ConfigError, match=r"The target holds .*, which is not in the source"):
        await moved(source, target)
    assert await contents(target) == before


class Altering(MemoryStore):
    """Keeps something else than it was given."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    async def restore(self, scope, rows):
        if self.what == "less":
            rows = rows[:-1]
        elif self.what == "else":
            rows = [replace(k, row=replace(k.row, text="?")) if isinstance(k.row, Fact) else k for k in rows]
        elif self.what == "order":
            rows = [*rows[:3], rows[4], rows[3], *rows[5:]]
        return await super().restore(scope, rows)

    async def create_key(self, key):
        await super().create_key(replace(key, digest=b"") if self.what == "key" else key)

    async def enqueue(self, jobs):
        await super().enqueue(jobs[:-1] if self.what == "job" else jobs)


@pytest.mark.parametrize(
    ("what", "difference"),
    [
        ("less", r"the memory of alice \(tenant acme\): 3 events here, 2 there"),
        ("else", r"the memory of alice \(tenant acme\): as many facts here and there, but not the same"),
        ("order", r"the memory of alice \(tenant acme\): as many messages here and there, but not the same"),
        ("key", r"keys: k\d is another one in the target"),
        ("job", r"jobs: job-\d is not in the target"),
    ],
)
async def test_every_difference_is_found_and_named(source: MemoryStore, what: str, difference: str):
    came = await moved(source, Altering(what))
    assert re.fullmatch(difference, came.difference or "none")


class Busy(MemoryStore):
    """Somebody goes on talking while it is read."""

    async def export(self, scope, *, cursor, limit):
        page = await super().export(scope, cursor=cursor, limit=limit)
        if scope.entity == ALICE.entity:
            await self.commit([turn(f"late {page.total}", session="s9")])
        return page


async def test_a_source_that_is_written_to_meanwhile_is_noticed():
    source = Busy()
    await fill(source)
    assert (await moved(source, MemoryStore())).difference is not None


class Narrow(MemoryStore):
    async def restore(self, scope, rows):
        raise BadRequest("The database cannot hold an id that is this long.")


async def test_what_the_target_cannot_hold_is_named(source: MemoryStore):
    with pytest.raises(BadRequest, match=r"the memory of alice \(tenant acme\) cannot be moved: .* this long"):
        await moved(source, Narrow())
