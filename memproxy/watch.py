"""Whether the store answers, asked every few seconds: what readiness, metrics and the memory API go by.

One question at a time: a store that hangs is not asked again until it has answered, or given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from memproxy.errors import MemproxyError, StoreUnavailable
from memproxy.ports import Health
from memproxy.tasks import Tasks

T = TypeVar("T")

EVERY = 2.0
"""Seconds between two questions."""
SILENCE = 5.0
"""Seconds without an answer after which the store counts as away."""
PATIENCE = 2.0
"""Seconds that a call may take while the store is away."""


class Watch:
    """`trouble`: why the store is away, where that is known already."""

    def __init__(
        self, *, health: Health, tasks: Tasks, trouble: str | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._health, self._tasks, self._clock = health, tasks, clock
        self._trouble = trouble
        self.reached = trouble is None
        """Whether the store has ever answered this process."""
        self._last = clock()

    @property
    def up(self) -> bool:
        return self._trouble is None

    @property
    def silence(self) -> float:
        """Seconds since the store last answered; since the start where it never did."""
        return self._clock() - self._last

    def start(self) -> None:
        self._tasks.start("store watch", self._run(), vital=True)

    def require(self) -> None:
        """Raises `StoreUnavailable` while the store is away."""
        if self._trouble is not None:
            raise StoreUnavailable(self._trouble)

    async def guard(self, work: Awaitable[T]) -> T:
        """What comes of `work`; while the store is away, `StoreUnavailable` where that takes too long."""
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait((task,), timeout=PATIENCE))[0]:
                self.require()
            return task.result()
        finally:
            task.cancel()

    async def _run(self) -> None:
        while True:
            asked = self._tasks.start("store check", self._health.check())
            while not (await asyncio.wait((asked,), timeout=SILENCE))[0]:
                self._trouble = "The store does not answer."
            self._take(asked)
            await asyncio.sleep(EVERY)

    def _take(self, asked: asyncio.Task[None]) -> None:
        try:
            asked.result()
        except MemproxyError as error:
            # Until it was reached, what kept it from being opened says more than that it is not open.
            self._trouble = str(error) if self.reached else self._trouble or str(error)
        else:
            self._trouble, self.reached, self._last = None, True, self._clock()
