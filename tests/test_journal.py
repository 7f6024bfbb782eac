"""A turn in the journal is on the disk, reaches the store, and is stored once."""

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


@asynccontextmanager
async def opened(folder: Path, *, limit: int = MIB) -> AsyncIterator[Journal]:
    async with Journal(folder=folder, limit=limit) as journal:
        yield journal


async def sizes(store: MemoryStore, scope: Scope = ALICE) -> dict[str, int]:
    return {one.id: one.messages for one in (await store.sessions(scope, cursor=None, limit=999)).items}


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_what_is_kept_is_replayed_after_a_restart(tmp_path: Path):
    turns = [turn(str(n), session="s") for n in range(100)]
    async with opened(tmp_path) as journal:
        await asyncio.gather(*map(journal.keep, turns))
    store = MemoryStore()
    async with opened(tmp_path) as journal:
        assert not journal.empty
        assert await journal.replay(store.commit) == 100
        assert journal.empty
        assert await journal.replay(store.commit) == 0
    assert await sizes(store) == {"s": 100}
    assert not files(tmp_path)


async def test_a_store_that_is_still_away_gets_everything_once_later(tmp_path: Path):
    store, calls = MemoryStore(), 0

    async def commit(turns: Sequence[Turn]) -> Sequence[Committed]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoreUnavailable("gone again")
        return await store.commit(turns)

    async with opened(tmp_path) as journal:
        for n in range(150):
            await journal.keep(turn(str(n), session="s"))
        with pytest.raises(StoreUnavailable):
            await journal.replay(commit)
        assert not journal.empty
        await journal.replay(commit)
    assert await sizes(store) == {"s": 150}


@pytest.mark.parametrize("cut", [1, 5, 9, 60])
async def test_half_a_record_at_the_end_is_left_out(tmp_path: Path, cut: int):
    async with opened(tmp_path) as journal:
        await journal.keep(turn("a", session="s"))
        await journal.keep(turn("b", session="s"))
    [segment] = files(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-cut])
    store = MemoryStore()
    async with opened(tmp_path) as journal:
        assert await journal.replay(store.commit) == 1
    assert await sizes(store) == {"s": 1}


async def test_a_damaged_record_is_put_aside_and_the_good_ones_before_it_are_stored(tmp_path: Path):
    async with opened(tmp_path) as journal:
        for name in "abc":
            await journal.keep(turn(name, session="s"))
    [segment] = files(tmp_path)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    store = MemoryStore()
    async with opened(tmp_path) as journal:
        assert await journal.replay(store.commit) == 1
        assert journal.empty
    assert [path.suffix for path in files(tmp_path)] == [".damaged"]


async def test_a_turn_that_the_store_refuses_keeps_no_other_waiting(tmp_path: Path):
    store = MemoryStore()

    async def commit(turns: Sequence[Turn]) -> Sequence[Committed]:
        if any(one.session == "bad" for one in turns):
            raise BadRequest("never")
        return await store.commit(turns)

    async with opened(tmp_path) as journal:
        for session in ("s", "bad", "s2"):
            await journal.keep(turn(session, session=session))
        await journal.replay(commit)
        assert journal.empty
    assert await sizes(store) == {"s": 1, "s2": 1}
    assert (tmp_path / "refused.log").stat().st_size > 0


async def test_the_journal_has_a_limit_and_says_so(tmp_path: Path):
    async with opened(tmp_path, limit=600) as journal:
        await journal.keep(turn("a", session="s"))
        with pytest.raises(StoreUnavailable, match="full"):
            await asyncio.gather(*(journal.keep(turn(str(n), session="s")) for n in range(9)))


async def test_two_processes_share_a_folder_and_replay_their_own(tmp_path: Path):
    store = MemoryStore()
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await one.keep(turn("a", session="s"))
        await other.keep(turn("b", session="s"))
        assert await one.replay(store.commit) == 1
        assert await other.replay(store.commit) == 1
    assert await sizes(store) == {"s": 2}


async def test_what_an_erased_entity_had_waiting_is_forgotten(tmp_path: Path):
    store = MemoryStore()
    async with opened(tmp_path) as journal:
        await journal.keep(turn("my secret", session="s"))
        await journal.keep(turn("b", session="s", scope=BOB))
        assert b"my secret" in b"".join(path.read_bytes() for path in files(tmp_path))
        await journal.forget(ALICE)
        assert b"my secret" not in b"".join(path.read_bytes() for path in files(tmp_path))
        await journal.replay(store.commit)
    assert (await sizes(store), await sizes(store, BOB)) == ({}, {"s": 1})


class Away(MemoryStore):
    """A store that can be away; a closed `gate` makes it hang."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        await self.gate.wait()
        if self.away:
            raise StoreUnavailable("away")
        return await super().commit(turns)

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
    async with opened(folder) as journal:
        capture = Capture(
            turns=store,
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
