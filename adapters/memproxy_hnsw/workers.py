"""The threads of the index: two for what a request waits for, one of lower priority for what nobody waits for."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_NICENESS = 10


class Closing(Exception):
    """Raised on a worker's thread to give up work that nobody waits for."""


class Workers:
    """Work that was begun goes on where its caller gave up; `close` waits for it."""

    def __init__(self) -> None:
        self._urgent = ThreadPoolExecutor(2, thread_name_prefix="index")
        self._patient = ThreadPoolExecutor(1, thread_name_prefix="index-build", initializer=_lower_priority)
        self._closing = False
        self._running: set[asyncio.Future[Any]] = set()

    def urgent(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return self._begin(self._urgent, work)

    def patient(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """One after another, in the order given."""
        return self._begin(self._patient, work)

    def check(self) -> None:
        """For long patient work, now and then: raises `Closing` where it should give up."""
        if self._closing:
            raise Closing

    async def close(self) -> None:
        self._closing = True
        while self._running:
            await asyncio.wait(self._running)
        self._urgent.shutdown()
        self._patient.shutdown()

    def _begin(self, executor: Executor, work: Callable[[], T]) -> asyncio.Future[T]:
        future = asyncio.get_running_loop().run_in_executor(executor, work)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere priority belongs to the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
