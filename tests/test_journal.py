"""A turn in the journal is on the disk, reaches the store, and is stored once."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from memproxy.domain import Scope, Turn
from memproxy.errors import StoreUnavailable
from memproxy.journal import Journal, Outcome, Store
from memproxy.segment import HEAD, MAGIC, MARK
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, BOB, turn

MIB = 1 << 20


@asynccontextmanager
async def opened(folder: Path, *, limit: int = MIB, told: Counter[str] | None = None) -> AsyncIterator[Journal]:
    def count(outcome: str, turns: int) -> None:
        if told is not None:
            told[outcome] += turns

    async with Journal(folder=folder, limit=limit, on_turns=count) as journal:
        yield journal


def into(store: MemoryStore) -> Store:
    async def commit(turns: Sequence[Turn]) -> Outcome:
        await store.commit(turns)
        return Outcome()

    return commit


async def sizes(store: MemoryStore, scope: Scope = ALICE) -> dict[str, int]:
    return {one.id: one.messages for one in (await store.sessions(scope, cursor=None, limit=999)).items}


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_what_is_kept_is_replayed_after_a_restart(tmp_path: Path):
    told = Counter[str]()
    async with opened(tmp_path, told=told) as journal:
        await asyncio.gather(*(journal.keep(turn(str(n), session="s")) for n in range(100)))
    store = MemoryStore()
    async with opened(tmp_path, told=told) as journal:
        assert (journal.turns, journal.empty) == (100, False)
        assert await journal.replay(into(store)) == 100
        assert (journal.turns, journal.bytes, journal.empty) == (0, 0, True)
        assert await journal.replay(into(store)) == 0
    assert await sizes(store) == {"s": 100}
    assert not files(tmp_path)
    assert told == {"kept": 100, "replayed": 100}


async def test_what_is_not_taken_waits_for_the_next_time_and_nothing_else_does(tmp_path: Path):
    store, asked = MemoryStore(), list[list[str]]()

    async def half(turns: Sequence[Turn]) -> Outcome:
        asked.append([one.session for one in turns])
        await store.commit(turns[: len(turns) // 2])
        return Outcome(turns[len(turns) // 2 :], error=StoreUnavailable("gone again") if len(turns) > 1 else None)

    async with opened(tmp_path) as journal:
        for name in "abcd":
            await journal.keep(turn(name, session=name))
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await journal.replay(half)
        assert journal.turns == 1
    async with opened(tmp_path) as journal:
        assert await journal.replay(into(store)) == 1
    assert asked == [["a", "b", "c", "d"], ["c", "d"]]
    assert set(await sizes(store)) == set("abcd")


async def test_large_journals_are_replayed_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("memproxy.journal.SEGMENT", 1000)
    store, pieces = MemoryStore(), list[int]()

    async def commit(turns: Sequence[Turn]) -> Outcome:
        pieces.append(len(turns))
        return await into(store)(turns)

    async with opened(tmp_path) as journal:
        for n in range(30):
            await journal.keep(turn(str(n), session="s"))
        await journal.replay(commit)
    assert len(pieces) > 3
    assert sum(pieces) == 30
    page = await store.messages(ALICE, "s", cursor=None, limit=99)
    assert [one.text for one in page.items] == [str(n) for n in range(30)]


@pytest.mark.parametrize("cut", [1, 5, 9, 60])
async def test_half_a_record_at_the_end_is_left_out(tmp_path: Path, cut: int):
    async with opened(tmp_path) as journal:
        await journal.keep(turn("a", session="s"))
        await journal.keep(turn("b", session="s"))
    [segment] = files(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-cut])
    store = MemoryStore()
    async with opened(tmp_path) as journal:
        assert await journal.replay(into(store)) == 1
    assert await sizes(store) == {"s": 1}
    assert not files(tmp_path)


@pytest.mark.parametrize("place", [0, 2, 5, 9, 13, HEAD + 3], ids=["mark", "mark end", "size", "sum", "check", "turn"])
async def test_a_damaged_record_is_put_aside_and_all_others_are_stored(tmp_path: Path, place: int):
    told = Counter[str]()
    async with opened(tmp_path) as journal:
        for name in "abc":
            await journal.keep(turn(name, session=name))
    [segment] = files(tmp_path)
    data = bytearray(segment.read_bytes())
    second = data.index(MARK, len(MAGIC) + len(MARK))
    data[second + place] ^= 0xFF
    segment.write_bytes(data)
    store = MemoryStore()
    async with opened(tmp_path, told=told) as journal:
        assert await journal.replay(into(store)) == 2
        assert journal.empty
        await journal.look_around()
        assert journal.aside > 0
    assert await sizes(store) == {"a": 1, "c": 1}
    assert [path.suffix for path in files(tmp_path)] == [".damaged"]
    assert (told["damaged"], told["replayed"]) == (1, 2)


async def test_a_file_that_is_no_journal_is_put_aside(tmp_path: Path):
    (tmp_path / "turns-1-1.log").write_bytes(b"something else entirely")
    async with opened(tmp_path) as journal:
        assert await journal.replay(into(MemoryStore())) == 0
    assert [path.name for path in files(tmp_path)] == ["turns-1-1.damaged"]


async def test_what_the_store_refuses_is_put_aside_and_comes_again_under_another_name(tmp_path: Path):
    async def picky(turns: Sequence[Turn]) -> Outcome:
        return Outcome(refused=[one for one in turns if one.session == "bad"])

    async with opened(tmp_path) as journal:
        for session in ("s", "bad", "s2"):
            await journal.keep(turn(session, session=session))
        assert await journal.replay(picky) == 2
        assert journal.empty
        [aside] = files(tmp_path)
        aside.rename(aside.with_name(aside.name.replace("refused", "turns")))
        store = MemoryStore()
        assert await journal.look_around()
        assert await journal.replay(into(store)) == 1
    assert await sizes(store) == {"bad": 1}


async def test_the_journal_has_a_limit_and_says_so(tmp_path: Path):
    told = Counter[str]()
    async with opened(tmp_path, limit=80_000, told=told) as journal:
        await journal.check()
        await journal.keep(turn("a" * 20_000, session="s"))
        with pytest.raises(StoreUnavailable, match="full"):
            await journal.check()
        outcomes = await asyncio.gather(
            *(journal.keep(turn(str(n) + "b" * 20_000, session="s")) for n in range(5)), return_exceptions=True
        )
        lost = sum(isinstance(one, StoreUnavailable) for one in outcomes)
        assert lost >= 3
        await journal.replay(into(MemoryStore()))
        await journal.check()
        await journal.keep(turn("c", session="s"))
    assert told == {"kept": 7 - lost, "lost": lost, "replayed": 6 - lost}


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow past this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    quiet = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, quiet)


async def test_a_disk_that_is_full_loses_what_does_not_fit_and_nothing_else(tmp_path: Path):
    told, store = Counter[str](), MemoryStore()
    async with opened(tmp_path, told=told) as journal:
        await journal.keep(turn("a", session="a"))
        with full_disk(2000):
            with pytest.raises(StoreUnavailable, match="cannot be used"):
                await journal.keep(turn("b" * 4000, session="b"))
            with pytest.raises(StoreUnavailable, match="cannot be used"):
                await journal.check()
            await journal.keep(turn("c", session="c"))
        await journal.keep(turn("d", session="d"))
        await journal.replay(into(store))
    assert set(await sizes(store)) == {"a", "c", "d"}
    assert (told["kept"], told["lost"], told["damaged"]) == (3, 1, 0)
    assert not files(tmp_path)


async def test_a_caller_that_leaves_takes_no_turn_with_it(tmp_path: Path):
    store = MemoryStore()
    async with opened(tmp_path) as journal:
        keeping = [asyncio.ensure_future(journal.keep(turn(str(n), session="s"))) for n in range(50)]
        for one in keeping[::2]:
            await asyncio.sleep(0)
            one.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        assert await journal.replay(into(store)) >= 25
    page = await store.messages(ALICE, "s", cursor=None, limit=99)
    assert {str(n) for n in range(1, 50, 2)} <= {one.text for one in page.items}


async def test_two_processes_share_a_folder_and_the_living_inherits(tmp_path: Path):
    store = MemoryStore()
    async with opened(tmp_path) as one:
        async with opened(tmp_path) as other:
            await one.keep(turn("a", session="s"))
            await other.keep(turn("b", session="t"))
            await one.look_around()
            assert (one.turns, other.turns) == (1, 1)
            assert await one.replay(into(store)) == 1
            assert await sizes(store) == {"s": 1}
        assert await one.look_around()
        assert await one.replay(into(store)) == 1
    assert await sizes(store) == {"s": 1, "t": 1}


async def test_what_an_erased_entity_had_waiting_is_forgotten(tmp_path: Path):
    store = MemoryStore()
    async with opened(tmp_path) as journal:
        await journal.keep(turn("my secret", session="s"))
        await journal.refuse(turn("my secret", session="r"))
        await journal.keep(turn("b", session="s", scope=BOB))
        assert b"my secret" in b"".join(path.read_bytes() for path in files(tmp_path))
        await journal.forget(ALICE)
        assert b"my secret" not in b"".join(path.read_bytes() for path in files(tmp_path))
        await journal.replay(into(store))
    assert (await sizes(store), await sizes(store, BOB)) == ({}, {"s": 1})
