"""Group commit: all turns that wait are stored in one transaction, and each waits for its own.

A reply's last byte waits for `commit`. One writer takes everything that is queued, so the cost of one fsync is shared
by all requests in flight, and a slow disk makes groups larger instead of queues longer.

    remember ─► submit ─► store              while it answers in time
             └► journal ─► replay ─► store   from the first failure until the journal is empty again
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter

from memproxy.domain import Committed, Turn
from memproxy.errors import BadRequest, MemproxyError, StoreUnavailable
from memproxy.journal import Journal
from memproxy.ports import Health, Turns
from memproxy.replay import Replay
from memproxy.tasks import Tasks

log = logging.getLogger(__name__)

# Bounds one transaction, so that a burst after a stall does not hold the database for seconds.
GROUP = 256


class Capture:
    """The one writer of turns. `on_jobs` is called after a commit that queued background work; `on_commit` with the
    size and seconds of each group."""

    def __init__(
        self,
        *,
        turns: Turns,
        health: Health,
        tasks: Tasks,
        queue: int,
        journal: Journal,
        patience: float = 5.0,
        on_jobs: Callable[[], None],
        on_commit: Callable[[int, float], None],
    ) -> None:
        self._turns = turns
        self._journal = journal
        self._replay = Replay(journal=journal, turns=turns, health=health, on_stored=on_jobs)
        self._patience = patience
        self._tasks = tasks
        self._limit = queue
        self._on_jobs = on_jobs
        self._on_commit = on_commit
        self._waiting: list[tuple[Turn, asyncio.Future[Committed]]] = []
        self._storing = 0
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def start(self) -> None:
        if not self._journal.empty:
            self._replay.begin()
        self._tasks.start("capture", self._write(), vital=True)
        self._tasks.start("journal replay", self._replay.run(), vital=True)

    @property
    def away(self) -> bool:
        """Whether turns go to the journal: the store has not everything yet that was said."""
        return self._replay.away

    async def remember(self, turn: Turn) -> bool:
        """Returns when the turn is durable: True in the store, False in the journal. Raises `BadRequest` where the
        store never takes it and it was put aside, `StoreUnavailable` where it is lost."""
        if turn.sought is None and not self.away:
            try:
                async with asyncio.timeout(self._patience):
                    await self.submit(turn)
            except BadRequest:
                await self._journal.refuse(turn)
                raise
            except (MemproxyError, TimeoutError):
                log.warning("the store is away; turns wait in the local journal")
            else:
                return True
        await self._journal.keep(turn)
        self._replay.begin()
        return False

    def submit(self, turn: Turn) -> asyncio.Future[Committed]:
        """Queue a turn. The future ends when the turn is durable, or with `StoreUnavailable`; whoever awaits it may
        give up without harm to the turn. Raises `StoreUnavailable` where too many wait already."""
        if len(self._waiting) >= self._limit:
            raise StoreUnavailable("too many turns wait for the store; this one is not remembered")
        future: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, future))
        self._idle.clear()
        self._wanted.set()
        return future

    async def drain(self, deadline: float) -> int:
        """Wait up to `deadline` seconds until all is stored; returns how many turns are left."""
        try:
            async with asyncio.timeout(deadline):
                await self._idle.wait()
        except TimeoutError:
            log.error("turns were not stored before the deadline", extra={"turns": self.unstored})
        return self.unstored

    @property
    def unstored(self) -> int:
        """Turns that are not durable yet."""
        return len(self._waiting) + self._storing

    async def _write(self) -> None:
        while True:
            await self._wanted.wait()
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            if not self._waiting:
                self._wanted.clear()
            self._storing = len(group)
            await self._store(group)
            group.clear()  # what somebody said is not held on to while nothing is to be done
            self._storing = 0
            if not self._waiting:
                self._idle.set()

    async def _store(self, group: list[tuple[Turn, asyncio.Future[Committed]]]) -> None:
        start = perf_counter()
        try:
            results = await self._turns.commit([turn for turn, _ in group])
        except MemproxyError as exc:
            await self._fail(group, exc)
            return
        self._on_commit(len(group), perf_counter() - start)
        for (_, future), result in zip(group, results, strict=True):
            _resolve(future, result)
        if any(turn.jobs for turn, _ in group):
            self._on_jobs()

    async def _fail(self, group: list[tuple[Turn, asyncio.Future[Committed]]], error: MemproxyError) -> None:
        """One turn that the store refuses must not take the others with it. Where the store is away they all go to the
        journal."""
        if len(group) > 1 and not isinstance(error, StoreUnavailable):
            for one in group:
                await self._store([one])
            return
        for _, future in group:
            if not future.done():
                future.set_exception(error)
                future.exception()  # a waiter that has left does not make the loop complain


def _resolve(future: asyncio.Future[Committed], result: Committed) -> None:
    if not future.done():
        future.set_result(result)
