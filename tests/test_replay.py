"""From the journal into the store: exactly once, in order, and past what no store takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from memproxy.capture import Capture
from memproxy.domain import Committed, Known, Scope, Sought, Turn
from memproxy.errors import BadRequest, StoreUnavailable
from memproxy.journal import Journal
from memproxy.tasks import Tasks
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, BOB, message, turn

MIB = 1 << 20
CAROL = Scope("acme", "carol")


async def sizes(store: MemoryStore, scope: Scope = ALICE) -> dict[str, int]:
    return {one.id: one.messages for one in (await store.sessions(scope, cursor=None, limit=999)).items}


def names(folder: Path) -> list[str]:
    return [path.name[:8] for path in folder.iterdir()]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memproxy.replay.RETRY", 0.01)
    monkeypatch.setattr("memproxy.replay.LOOK_AROUND", 0.05)


class Away(MemoryStore):
    """A store that can be away; a closed `gate` makes it hang; it fails on turns of the sessions in `broken`."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.broken: dict[str, Exception] = {}
        self.groups: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        await self.gate.wait()
        if self.away:
            raise StoreUnavailable("away")
        for one in turns:
            if one.session in self.broken:
                raise self.broken[one.session]
        self.groups.append(len(turns))
        return await super().commit(turns)

    async def check(self) -> None:
        if self.away:
            raise StoreUnavailable("away")

    async def look(
        self,
        scope: Scope,
        *,
        session: str | None,
        keys: Sequence[bytes],
        pairs: Sequence[bytes],
        ids: Sequence[str] = (),
    ) -> Known:
        if self.away:
            raise StoreUnavailable("away")
        return await super().look(scope, session=session, keys=keys, pairs=pairs, ids=ids)


@asynccontextmanager
async def capturing(store: Away, folder: Path) -> AsyncIterator[Capture]:
    tasks = Tasks()
    async with Journal(folder=folder, limit=MIB) as journal:
        capture = Capture(
            turns=store,
            health=store,
            tasks=tasks,
            queue=99,
            journal=journal,
            patience=0.05,
            on_jobs=lambda: None,
            on_commit=lambda size, seconds: None,
        )
        capture.start()
        try:
            yield capture
        finally:
            await tasks.stop()


async def back(capture: Capture) -> None:
    async with asyncio.timeout(10):
        while capture.away:  # noqa: ASYNC110 - nobody else waits for this
            await asyncio.sleep(0.01)


async def test_turns_wait_in_the_journal_while_the_store_is_away(tmp_path: Path):
    store = Away()
    async with capturing(store, tmp_path) as capture:
        assert await capture.remember(turn("a", session="s"))
        store.away = True
        assert not await capture.remember(turn("b", session="s"))
        assert capture.away
        store.away = False
        await back(capture)
        assert await capture.remember(turn("c", session="s"))
    assert await sizes(store) == {"s": 3}


async def test_a_store_that_hangs_holds_no_reply_and_stores_nothing_twice(tmp_path: Path):
    store = Away()
    async with capturing(store, tmp_path) as capture:
        store.gate.clear()
        assert not await capture.remember(turn("a", session="s"))
        store.gate.set()
        await back(capture)
    assert await sizes(store) == {"s": 1}


async def test_turns_of_a_process_that_died_reach_the_store_when_the_next_one_starts(tmp_path: Path):
    store = Away()
    store.away = True
    async with capturing(store, tmp_path) as capture:
        assert not await capture.remember(turn("a", session="s"))
    store.away = False
    async with capturing(store, tmp_path) as capture:
        await back(capture)
    assert await sizes(store) == {"s": 1}


async def test_a_turn_made_without_the_store_finds_its_session_and_brings_only_what_is_new(tmp_path: Path):
    store = Away()
    history = [message("1"), replace(message("2"), role="assistant"), message("3")]
    await store.commit([replace(turn("x", session="known"), messages=tuple(history[:2]))])
    answer = replace(message("4"), role="assistant")
    late = replace(
        turn("y", session="guess"),
        messages=(*history, answer),
        sought=Sought(None, pairs=(history[1].key,), answered=True),
    )
    store.away = True
    async with capturing(store, tmp_path) as capture:
        assert not await capture.remember(late)
        store.away = False
        await back(capture)
    assert await sizes(store) == {"known": 4}


async def test_turns_of_a_neighbour_that_died_are_taken_over(tmp_path: Path):
    store = Away()
    async with capturing(store, tmp_path):
        async with Journal(folder=tmp_path, limit=MIB) as neighbour:
            await neighbour.keep(turn("a", session="s"))
        async with asyncio.timeout(10):
            while await sizes(store) != {"s": 1}:  # noqa: ASYNC110 - another task stores it
                await asyncio.sleep(0.01)


async def test_what_waited_goes_in_together_and_in_order(tmp_path: Path):
    store = Away()
    async with capturing(store, tmp_path) as capture:
        store.away = True
        people = [Scope("acme", f"e{n}") for n in range(20)]
        for number in range(5):
            for scope in people:
                await capture.remember(turn(f"{scope.entity}: {number}", session="s", scope=scope))
        store.away = False
        await back(capture)
    assert sum(store.groups) == 100
    assert max(store.groups) > 50
    for scope in people:
        page = await store.messages(scope, "s", cursor=None, limit=9)
        assert [one.text for one in page.items] == [f"{scope.entity}: {number}" for number in range(5)]


async def test_a_new_turn_of_a_session_comes_after_those_that_wait(tmp_path: Path):
    store = Away()
    async with capturing(store, tmp_path) as capture:
        store.away = True
        for name in "abc":
            await capture.remember(turn(name, session="s"))
        store.gate.clear()
        store.away = False
        assert not await capture.remember(turn("d", session="s"))
        store.gate.set()
        await back(capture)
        assert await capture.remember(turn("e", session="s"))
    page = await store.messages(ALICE, "s", cursor=None, limit=9)
    assert [one.text for one in page.items] == list("abcde")


async def test_a_turn_that_the_store_refuses_is_put_aside_at_once(tmp_path: Path):
    store = Away()
    store.broken["bad"] = BadRequest("too long")
    async with capturing(store, tmp_path) as capture:
        with pytest.raises(BadRequest):
            await capture.remember(turn("a", session="bad"))
        store.away = True
        for session in ("s", "bad", "t"):
            await capture.remember(turn(session, session=session))
        store.away = False
        await back(capture)
    assert await sizes(store) == {"s": 1, "t": 1}
    assert names(tmp_path) == ["refused-", "refused-"]


@pytest.mark.parametrize("error", [StoreUnavailable("no reason"), ValueError("a bug")], ids=["fails", "breaks"])
async def test_a_turn_on_which_the_store_fails_keeps_others_waiting_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    monkeypatch.setattr("memproxy.replay.HOLD", 0.3)
    store = Away()
    store.broken["bad"] = error
    async with capturing(store, tmp_path) as capture:
        store.away = True
        await capture.remember(turn("a", session="bad"))
        await capture.remember(turn("b", session="s"))
        await capture.remember(turn("c", session="s", scope=BOB))
        store.away = False
        async with asyncio.timeout(10):
            while not await sizes(store, BOB):  # noqa: ASYNC110 - another task stores it
                await asyncio.sleep(0.01)
        assert await sizes(store) == {}, "the order of one person's turns stays"
        await capture.remember(turn("d", session="s", scope=CAROL))
        await back(capture)
    assert (await sizes(store), await sizes(store, CAROL)) == ({"s": 1}, {"s": 1})
    assert names(tmp_path) == ["refused-"]


async def test_a_store_that_answers_and_takes_nothing_refuses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("memproxy.replay.HOLD", 0.0)
    store = Away()
    sessions = [f"s{n}" for n in range(9)]
    store.broken = dict.fromkeys(sessions, StoreUnavailable("the disk is full"))
    async with capturing(store, tmp_path) as capture:
        for session in sessions:
            assert not await capture.remember(turn(session, session=session, scope=Scope("acme", session)))
        await asyncio.sleep(0.3)
        assert capture.away
        store.broken.clear()
        await back(capture)
    for session in sessions:
        assert await sizes(store, Scope("acme", session)) == {session: 1}
    assert names(tmp_path) == []
