"""Turns that wait on this machine's disk while the store is away, and go into it when it is back.

    keep ─► batch ─► append ─► fsync ─► the reply may end          replay ─► commit ─► the segment is deleted

One process writes a segment and holds a lock on it; whoever lives on the same folder takes over the segments of those
that died. Records are replayed at least once: committing a turn twice stores it once, because its messages, ledger
entry and jobs have keys of their own. What the disk has damaged, or the store refuses for good, is put aside under
another name and not deleted.

Files are touched on one thread, in the order asked for; so a caller that leaves, or a second batch, comes between
nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from memproxy.domain import Scope, Turn
from memproxy.errors import StoreUnavailable
from memproxy.segment import DAMAGED, REFUSED, WAITING, Segment, framed, read

log = logging.getLogger(__name__)
T = TypeVar("T")

SEGMENT = 4 << 20
"""Bytes of a segment that is replaced by a new one: what a replay holds in memory."""
ROOM = 64 << 10
"""Bytes that must be left for the journal to be of use: some ordinary turns."""
ABANDONED = 60.0
"""Seconds after which a file that is being made belongs to nobody."""


@dataclass(slots=True)
class Outcome:
    """What became of turns that were to be stored."""

    left: Sequence[Turn] = ()
    """Those that still wait."""
    refused: Sequence[Turn] = ()
    error: StoreUnavailable | None = None
    """Why no more were tried."""


Store = Callable[[Sequence[Turn]], Awaitable[Outcome]]


@dataclass(slots=True, eq=False)
class _Batch:
    """Records that share one fsync."""

    records: list[bytes] = field(default_factory=list)
    written: asyncio.Future[None] | None = None


class Journal:
    """`limit`: bytes that may wait; past it a turn is refused with `StoreUnavailable`. `on_turns` is told what becomes
    of turns: how many were `kept`, `replayed`, `refused`, found `damaged`, or `lost`."""

    def __init__(
        self, *, folder: Path, limit: int, on_turns: Callable[[str, int], None] = lambda outcome, turns: None
    ) -> None:
        self._folder = folder
        self._limit = limit
        self._on_turns = on_turns
        self._mine: dict[Path, Segment] = {}
        self._current: Segment | None = None
        self._batch = _Batch()
        self._mutex = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._replaying = asyncio.Lock()
        self.bytes = 0
        """That wait, in segments that this process may replay."""
        self.turns = 0
        self.aside = 0
        """Bytes that were put aside, by whatever process."""

    async def __aenter__(self) -> Self:
        """Raises `StoreUnavailable` where the folder cannot be used."""
        self._thread = ThreadPoolExecutor(1, "journal")
        try:
            await self._do(self._open)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._do(self._close)
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    @property
    def empty(self) -> bool:
        """Whether nothing is to be replayed."""
        return not self._mine

    async def keep(self, turn: Turn) -> None:
        """Returns when the turn is on the disk. Raises `StoreUnavailable`."""
        with self._mutex:
            batch = self._batch
            batch.records.append(framed(turn))
            if batch.written is None:
                batch.written = self._do(self._write)
        await asyncio.shield(batch.written)

    async def refuse(self, turn: Turn) -> None:
        """Put aside a turn that the store never takes."""
        await self._do(partial(self._refuse, [turn]))

    async def check(self) -> None:
        """Raises `StoreUnavailable` where no more turns can be kept."""
        await self._do(self._try)

    async def look_around(self) -> bool:
        """Whether turns wait, those of processes that have died on this folder too."""
        await self._do(self._take_over)
        return not self.empty

    async def replay(self, store: Store) -> int:
        """Hand everything that waits to `store`, oldest first; returns how many turns it took. Raises the error that
        keeps it from taking more."""
        count = 0
        async with self._replaying:
            for segment in sorted(self._mine.values(), key=lambda segment: segment.path):
                turns, damaged = await self._do(partial(self._begin, segment))
                outcome = await store(turns)
                await self._do(partial(self._end, segment, outcome, damaged))
                count += len(turns) - len(outcome.left) - len(outcome.refused)
                if outcome.error is not None:
                    raise outcome.error
        return count

    async def forget(self, scope: Scope) -> None:
        """Take every turn of the entity out, what was put aside too; segments of processes that live are theirs."""
        async with self._replaying:
            await self._do(partial(self._forget, scope))

    # On the thread

    def _do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        if self._thread is None:
            raise StoreUnavailable("the local journal is closed")
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._careful, work)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # whoever asked may have left
        return future

    def _careful(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except OSError as exc:
            raise StoreUnavailable(f"the local journal {self._folder} cannot be used: {exc.strerror}") from exc
        finally:
            segments = tuple(self._mine.values())
            self.bytes = sum(segment.size for segment in segments)
            self.turns = sum(segment.turns for segment in segments)

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in self._folder.glob("*.new"):
            if path.stat().st_mtime < time.time() - ABANDONED:
                path.unlink(missing_ok=True)
        self._take_over()

    def _close(self) -> None:
        for segment in self._mine.values():
            segment.file.close()
            if not segment.turns:
                segment.path.unlink(missing_ok=True)
        self._mine.clear()

    def _take_over(self) -> None:
        for path in self._folder.glob(WAITING):
            if path not in self._mine and (segment := Segment.taken_over(path)) is not None:
                self._mine[path] = segment
        self.aside = sum(path.stat().st_size for path in self._put_aside())

    def _put_aside(self) -> list[Path]:
        return [*self._folder.glob(REFUSED), *self._folder.glob(DAMAGED)]

    def _write(self) -> None:
        with self._mutex:
            batch, self._batch = self._batch, _Batch()
        try:
            self._append(batch.records)
        except BaseException:
            self._on_turns("lost", len(batch.records))
            raise
        self._on_turns("kept", len(batch.records))

    def _append(self, records: Sequence[bytes]) -> None:
        used = sum(segment.size for segment in self._mine.values())
        if used + sum(map(len, records)) > self._limit:
            raise StoreUnavailable("the local journal is full; turns are not remembered until the store is back")
        segment = self._current
        if segment is None or segment.size >= SEGMENT:
            segment = self._current = Segment.new(self._folder)
            self._mine[segment.path] = segment
        try:
            segment.append(records)
        except OSError:
            self._current = None  # half a record may stand at its end: the next one begins a new segment
            if not segment.turns:
                del self._mine[segment.path]
                segment.end((), damaged=0)
            raise

    def _try(self) -> None:
        if self.bytes + ROOM > self._limit:
            raise StoreUnavailable("the local journal is full; turns are not remembered until the store is back")
        probe = self._folder / f"probe-{os.getpid()}"
        try:
            with probe.open("wb") as file:
                file.write(bytes(4096))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)

    def _begin(self, segment: Segment) -> tuple[list[Turn], int]:
        if segment is self._current:
            self._current = None  # what is kept from now on goes into a new segment
        return read(segment.path)

    def _end(self, segment: Segment, outcome: Outcome, damaged: int) -> None:
        if outcome.refused:
            self._refuse(outcome.refused)
        stored = segment.turns - len(outcome.left) - len(outcome.refused)
        if outcome.left and not (stored or outcome.refused or damaged):
            return
        if damaged:
            log.error("a segment of the journal is damaged; it is put aside", extra={"records": damaged})
            self._on_turns("damaged", damaged)
        self._on_turns("replayed", stored)
        kept = segment.end(outcome.left, damaged=damaged)
        del self._mine[segment.path]
        if kept is not None:
            self._mine[kept.path] = kept

    def _refuse(self, turns: Sequence[Turn]) -> None:
        log.error("the store refuses turns for good; they are put aside", extra={"turns": len(turns)})
        Segment.made(self._folder / f"refused-{time.time_ns():020d}-{os.getpid()}.log", turns).file.close()
        self._on_turns("refused", len(turns))

    def _forget(self, scope: Scope) -> None:
        whose = (scope.tenant, scope.entity)
        self._current = None
        self._take_over()
        for segment in tuple(self._mine.values()):
            turns, _ = read(segment.path)
            kept = [turn for turn in turns if (turn.scope.tenant, turn.scope.entity) != whose]
            if len(kept) < len(turns):
                del self._mine[segment.path]
                if (rest := segment.end(kept, damaged=0)) is not None:
                    self._mine[rest.path] = rest
        for path in self._put_aside():
            turns, damaged = read(path)
            kept = [turn for turn in turns if (turn.scope.tenant, turn.scope.entity) != whose]
            if damaged or len(kept) < len(turns):  # what cannot be read may be anybody's: it goes too
                Segment.made(path, kept).file.close()
