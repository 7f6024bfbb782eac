"""Turns that wait on this machine's disk while the store is away, and go into it when it is back.

    keep ─► batch ─► append ─► fsync ─► the reply may end            replay ─► commit ─► the segment is deleted

A segment is a file of records, each with its length and checksum. One process writes a segment and holds a lock on it;
whoever starts later on the same folder takes over the segments of those that died. Records are replayed at least once:
committing a turn twice stores it once, because its messages, ledger entry and jobs have keys of their own. What the
disk has damaged, or the store refuses for good, is put aside under another name and not deleted.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from memproxy.domain import Scope, Turn
from memproxy.errors import MemproxyError, StoreUnavailable

log = logging.getLogger(__name__)

MAGIC = b"memproxy journal 1\n"
HEAD = struct.Struct(">II")
GROUP = 64
"""Turns that one replayed transaction holds."""

Commit = Callable[[Sequence[Turn]], Awaitable[object]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Turn).decode


@dataclass(slots=True)
class _Batch:
    """Records that share one fsync."""

    records: list[bytes] = field(default_factory=list)
    done: bool = False
    error: StoreUnavailable | None = None


class Journal:
    """`limit`: bytes that may wait; past it a turn is refused with `StoreUnavailable`."""

    def __init__(self, *, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._segment: BufferedRandom | None = None
        self._batch = _Batch()
        self._writing = asyncio.Lock()
        self._replaying = asyncio.Lock()
        self.bytes = 0
        """Of all segments that this process may replay."""

    async def __aenter__(self) -> Self:
        """Raises `StoreUnavailable` where the folder cannot be used."""
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with self._writing:
            self._close()

    @property
    def empty(self) -> bool:
        return self.bytes == 0

    async def keep(self, turn: Turn) -> None:
        """Returns when the turn is on the disk. Raises `StoreUnavailable`."""
        batch, record = self._batch, _framed(_encode(turn))
        batch.records.append(record)
        async with self._writing:
            if not batch.done:
                self._batch, batch.done = _Batch(), True
                try:
                    await asyncio.to_thread(self._append, batch.records)
                except StoreUnavailable as exc:
                    batch.error = exc
        if batch.error is not None:
            raise batch.error

    async def replay(self, commit: Commit) -> int:
        """Commit everything that waits, oldest first; returns how many turns. Raises what `commit` raises where the
        store is still away; what was committed until then is committed again next time, to no effect."""
        count = 0
        async with self._replaying:
            for segment in await asyncio.to_thread(self._segments):
                async with self._writing:
                    if self._segment is not None and Path(self._segment.name) == segment:
                        self._close()  # what is kept from now on goes into a new segment
                count += await self._replay_segment(segment, commit)
        return count

    async def forget(self, scope: Scope) -> None:
        """Take every turn of the entity out: rewrites the segments that hold one."""
        async with self._replaying, self._writing:
            self._close()
            await asyncio.to_thread(self._forget, scope)

    async def _replay_segment(self, path: Path, commit: Commit) -> int:
        locked = _locked(path)
        if locked is None:
            return 0  # another process writes it, or has just replayed it
        with locked:
            size = os.fstat(locked.fileno()).st_size
            turns, damaged = await asyncio.to_thread(_read, path)
            for start in range(0, len(turns), GROUP):
                await self._commit(turns[start : start + GROUP], commit)
            await asyncio.to_thread(_put_aside if damaged else _delete, path)
            self.bytes = max(0, self.bytes - size)
        return len(turns)

    async def _commit(self, turns: Sequence[Turn], commit: Commit) -> None:
        """One turn that the store refuses must not keep the others waiting for ever."""
        try:
            await commit(turns)
        except StoreUnavailable:
            raise
        except MemproxyError as exc:
            if len(turns) > 1:
                for turn in turns:
                    await self._commit([turn], commit)
                return
            log.error("the store refuses a turn of the journal; it is put aside", extra={"error": type(exc).__name__})
            await asyncio.to_thread(self._refused, turns[0])

    def _open(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.bytes = sum(path.stat().st_size for path in self._segments())
        except OSError as exc:
            raise StoreUnavailable(f"the journal {self._folder} cannot be used: {exc.strerror}") from exc

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob("turns-*.log"))

    def _append(self, records: Sequence[bytes]) -> None:
        size = sum(map(len, records))
        if self.bytes + size > self._limit:
            raise StoreUnavailable("the local journal is full; turns are not remembered until the store is back")
        try:
            if self._segment is None:
                self._segment = self._new_segment()
            self._segment.writelines(records)
            self._segment.flush()
            os.fsync(self._segment.fileno())
        except OSError as exc:
            self._close()  # half a record may stand at its end: the next one begins a new segment
            raise StoreUnavailable(f"the local journal cannot be written: {exc.strerror}") from exc
        self.bytes += size

    def _new_segment(self) -> BufferedRandom:
        path = self._folder / f"turns-{time.time_ns():020d}-{os.getpid()}.log"
        segment = path.open("x+b")
        path.chmod(0o600)
        fcntl.flock(segment, fcntl.LOCK_EX)
        segment.write(MAGIC)
        _sync_folder(self._folder)
        self.bytes += len(MAGIC)
        return segment

    def _close(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _refused(self, turn: Turn) -> None:
        with (self._folder / "refused.log").open("ab") as file:
            file.write(_framed(_encode(turn)))
            file.flush()
            os.fsync(file.fileno())

    def _forget(self, scope: Scope) -> None:
        whose = (scope.tenant, scope.entity)
        for path in [*self._segments(), *self._folder.glob("*.damaged"), *self._folder.glob("refused.log")]:
            turns, damaged = _read(path)
            kept = [turn for turn in turns if (turn.scope.tenant, turn.scope.entity) != whose]
            if len(kept) == len(turns) and not damaged:
                continue
            # What cannot be read may be anybody's: it goes too.
            fresh = path.with_suffix(".new")
            fresh.write_bytes(b"".join([MAGIC, *(_framed(_encode(turn)) for turn in kept)]))
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
            fresh.replace(path)
        _sync_folder(self._folder)
        self.bytes = sum(path.stat().st_size for path in self._segments())


def _framed(payload: bytes) -> bytes:
    return HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def _read(path: Path) -> tuple[list[Turn], bool]:
    """The turns of a segment, and whether something in it cannot be read. Half a record at the end is what a crash
    leaves of a turn whose reply nobody saw end."""
    data = path.read_bytes()
    turns: list[Turn] = []
    try:
        turns.extend(map(_decode, _records(data.removeprefix(MAGIC))))
    except (ValueError, msgspec.DecodeError):
        log.error("a segment of the journal is damaged; what follows is put aside", extra={"turns": len(turns)})
        return turns, True
    return turns, False


def _records(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + HEAD.size <= len(data):
        size, checksum = HEAD.unpack_from(data, at)
        payload = data[at + HEAD.size : at + HEAD.size + size]
        if len(payload) < size:
            return
        if zlib.crc32(payload) != checksum:
            raise ValueError(at)
        yield payload
        at += HEAD.size + size


def _locked(path: Path) -> BufferedRandom | None:
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _put_aside(path: Path) -> None:
    path.replace(path.with_suffix(".damaged"))
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
