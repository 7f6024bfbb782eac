"""Runs background jobs: claims what is due, keeps its lease while working, retries what failed.

    pending ──claim──► running ──► done
       ▲                  ├── failed: again later, at random within a doubling time (full jitter)
       └──────────────────┤        └── dead after the last try, for its owner to look at
                          ├── lease lost: another worker has it; this one lets go at once
                          └── shutdown: handed back, due at once

One job's failure is its own: whatever a handler raises ends in that job's row. What is stored and logged of an error is
its type, never its text, which might quote somebody.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Protocol

from memproxy.augment import embed
from memproxy.augment.extract import Extract, Written
from memproxy.domain import Job
from memproxy.errors import MemproxyError
from memproxy.ports import Embedder, Extractor, Jobs, Memory, Tokenizer, Turns
from memproxy.tasks import Tasks

log = logging.getLogger(__name__)

FIRST_RETRY = 2.0
LONGEST_RETRY = 300.0
"""Seconds within which a job is tried again: the first doubles with each try, up to the second."""
DONE_KEPT = timedelta(days=1)
PRUNE_EVERY = timedelta(hours=1)
HAND_BACK = 1.0
"""Seconds that a shutdown waits for the store to take a job back; without it the lease runs out."""


class Handler(Protocol):
    """Does the work of one kind of job. May be run twice for the same job, so it must be idempotent."""

    async def __call__(self, job: Job, *, last_try: bool) -> None: ...


class Observer(Written, Protocol):
    """Counts what became of jobs: `done`, `retried`, `dead`, `lost`, `released`."""

    def job_done(self, kind: str, outcome: str, seconds: float) -> None: ...


class Pausing(Protocol):
    """Whether no more jobs are begun. Several processes may share one."""

    paused: bool


@dataclass(slots=True)
class Switch:
    """For one process."""

    paused: bool = False


@dataclass(frozen=True, slots=True)
class Stats:
    """What a worker has done since it started."""

    running: int = 0
    done: int = 0
    retried: int = 0
    dead: int = 0
    lost: int = 0
    released: int = 0


class Worker:
    """Works on up to `concurrency` jobs at once. `lease` and `poll` are seconds; `handlers` are for kinds of jobs
    beside `extract` and `embed`, or instead of its own."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        turns: Turns,
        memory: Memory,
        extractor: Extractor | None,
        embedder: Embedder | None,
        tokenizer: Tokenizer,
        clock: Callable[[], datetime],
        name: str,
        tasks: Tasks,
        lease: float = 60.0,
        concurrency: int = 2,
        poll: float = 1.0,
        max_attempts: int = 5,
        observer: Observer | None = None,
        switch: Pausing | None = None,
        handlers: Mapping[str, Handler] | None = None,
    ) -> None:
        extract = Extract(
            turns=turns,
            memory=memory,
            extractor=extractor,
            embedder=embedder,
            tokenizer=tokenizer,
            clock=clock,
            jobs=jobs,
            observer=observer,
        )
        own: Mapping[str, Handler] = {"extract": extract, embed.KIND: embed.Embed(memory=memory, embedder=embedder)}
        self._handlers: Mapping[str, Handler] = {**own, **(handlers or {})}
        self._jobs, self._clock, self._name, self._tasks, self._observer = jobs, clock, name, tasks, observer
        self._lease, self._concurrency, self._poll, self._max_attempts = lease, concurrency, poll, max_attempts
        self._running: set[asyncio.Task[None]] = set()
        self._outcomes: Counter[str] = Counter()
        self._wanted = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._switch = switch or Switch()
        self._pruned_at: datetime | None = None

    @property
    def paused(self) -> bool:
        return self._switch.paused

    @property
    def stats(self) -> Stats:
        return Stats(running=len(self._running), **self._outcomes)

    def start(self) -> None:
        self._loop = self._tasks.start("worker", self._run(), vital=True)

    def wake(self) -> None:
        """There may be new work: look at once."""
        self._wanted.set()

    def pause(self) -> None:
        """Begin no more jobs; those that run go on."""
        self._switch.paused = True

    def resume(self) -> None:
        self._switch.paused = False
        self.wake()

    async def stop(self, deadline: float) -> None:
        """Begin no more jobs, wait up to `deadline` seconds for those that run, hand back the rest."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        running = tuple(self._running)
        if running:
            await asyncio.wait(running, timeout=deadline)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self) -> None:
        lost = False
        while True:
            self._wanted.clear()
            try:
                await self._begin()
                await self._prune()
                lost = False
            except MemproxyError as error:
                if not lost:  # one line for as long as it lasts
                    log.warning("the job queue cannot be read", extra={"error": type(error).__name__})
                lost = True
            try:
                async with asyncio.timeout(self._poll):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def _begin(self) -> None:
        free = self._concurrency - len(self._running)
        if self._switch.paused or free <= 0:
            return
        due = await self._jobs.claim(worker=self._name, limit=free, lease=self._lease, now=self._clock())
        for job in due:
            task = self._tasks.start(f"{job.kind} job", self._work(job))
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.wake()

    async def _work(self, job: Job) -> None:
        start = perf_counter()
        outcome = "released"
        try:
            outcome = await self._attempt(job)
        except MemproxyError as error:
            # The store is away and cannot take the result: the lease runs out, and the job is done again.
            outcome = "lost"
            log.warning("a job's end could not be stored", extra={"job": job.id, "error": type(error).__name__})
        finally:
            self._outcomes[outcome] += 1
            if self._observer is not None:
                self._observer.job_done(job.kind, outcome, perf_counter() - start)

    async def _attempt(self, job: Job) -> str:
        """Run the handler as a task of its own, so that a lost lease or a shutdown can end it, and its error, whatever
        it is, is a value here."""
        work = self._tasks.start(f"{job.kind} work", self._handle(job))
        keeper = self._tasks.start("lease", self._keep(job, work))
        try:
            await asyncio.wait((work,))
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait((work,))
            await self._hand_back(job)
            raise
        finally:
            keeper.cancel()
        if work.cancelled():
            return "lost"
        error = work.exception()
        if error is not None:
            return await self._failed(job, error)
        await self._jobs.settle(job, now=self._clock())
        return "done"

    async def _handle(self, job: Job) -> None:
        handler = self._handlers.get(job.kind)
        if handler is None:
            raise LookupError(job.kind)
        await handler(job, last_try=job.attempts >= self._max_attempts)

    async def _keep(self, job: Job, work: asyncio.Task[None]) -> None:
        """Prolong the lease in good time; where it is lost, end the work: somebody else does it."""
        while True:
            await asyncio.sleep(self._lease / 3)
            try:
                held = await self._jobs.extend(job, lease=self._lease, now=self._clock())
            except MemproxyError:
                continue  # the store is away; while it is nobody else can take the job either
            if not held:
                work.cancel()
                return

    async def _failed(self, job: Job, error: BaseException) -> str:
        name, now = _name_of(error), self._clock()
        dead = job.attempts >= self._max_attempts
        retry_at = None if dead else now + timedelta(seconds=_delay(job.attempts))
        log.warning(
            "a job failed",
            extra={"job": job.id, "kind": job.kind, "attempt": job.attempts, "error": name, "dead": dead},
        )
        await self._jobs.settle(job, now=now, error=name, retry_at=retry_at)
        return "dead" if dead else "retried"

    async def _hand_back(self, job: Job) -> None:
        now = self._clock()
        try:
            async with asyncio.timeout(HAND_BACK):
                await self._jobs.settle(job, now=now, error="Shutdown", retry_at=now)
        except (MemproxyError, TimeoutError):
            log.warning("a job was left to its lease", extra={"job": job.id})

    async def _prune(self) -> None:
        now = self._clock()
        if self._pruned_at is None or now - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = now
            await self._jobs.prune(before=now - DONE_KEPT)


def _delay(attempts: int) -> float:
    """Seconds to the next try, at random, so that jobs which failed together do not come back together."""
    return random.uniform(0, min(LONGEST_RETRY, FIRST_RETRY * 2 ** (attempts - 1)))


def _name_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {error.code}" if isinstance(error, MemproxyError) else type(error).__name__
