"""One thread for one kind of work, and the queue in front of it: whatever waits goes in one batch.

All state lives on the event loop, so there is nothing to lock; the thread only ever sees a list of texts. While a
batch runs, others gather. A caller that gives up is dropped from the queue before it costs anything.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from memproxy.errors import MemproxyError, ModelUnavailable
from memproxy.ports import Vector

_LOOK_AHEAD = 64
"""How many waiting texts are looked at to fill a batch."""
_WASTE = 1.08
"""Padded characters per character of text that a batch may have."""
_SHORT = 32
"""Characters of padding that never matter: a handful of tokens."""


@dataclass(slots=True, eq=False)
class Waiting:
    text: str
    future: asyncio.Future[Vector] = field(repr=False)


def pick(queue: deque[Waiting], *, most: int, budget: int) -> list[Waiting]:
    """Take the oldest, and of those behind it the ones of nearly its length, while the padded batch stays in `budget`
    characters. Those that gave up are thrown away.

    Padding costs as much as text, and a batch of one is as cheap per text as any other: a batch only spares hops to
    the thread, so it is not worth more padding than `_WASTE`."""
    while queue and queue[0].future.done():
        queue.popleft()
    if not queue:
        return []
    oldest = queue[0]
    near = [one for one in islice(queue, 1, _LOOK_AHEAD) if not one.future.done()]
    near.sort(key=lambda one: abs(len(one.text) - len(oldest.text)))
    batch = [oldest]
    longest = total = len(oldest.text)
    for one in near[: most - 1]:
        longest, total = max(longest, len(one.text)), total + len(one.text)
        if longest * (len(batch) + 1) > min(budget, total * _WASTE + _SHORT):
            break
        batch.append(one)
    for one in batch:
        queue.remove(one)
    return batch


class Lane:
    """Runs `encode` in batches of up to `most` texts and `budget` characters, on a thread of lower priority by
    `niceness`."""

    def __init__(
        self, encode: Callable[[Sequence[str]], Vector], *, name: str, most: int, budget: int, niceness: int = 0
    ) -> None:
        self._encode = encode
        self._most = most
        self._budget = budget
        self._queue: deque[Waiting] = deque()
        self._running: asyncio.Future[Vector] | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_lower, initargs=(niceness,))

    async def embed(self, texts: Sequence[str]) -> Vector:
        """The vectors in the order of the texts, which is not the order in which they are run."""
        loop = asyncio.get_running_loop()
        waiting = [Waiting(text, loop.create_future()) for text in texts]
        self._queue.extend(sorted(waiting, key=lambda one: len(one.text)))
        self._start()
        try:
            rows = await asyncio.gather(*(one.future for one in waiting))
        finally:
            for one in waiting:
                one.future.cancel()
        return np.stack(rows)

    async def close(self) -> None:
        """Let the running batch end; what still waits gets `ModelUnavailable`."""
        while self._queue:
            _fail([self._queue.popleft()], ModelUnavailable("the model is being closed"))
        if self._running is not None:
            await asyncio.wait([self._running])
        self._executor.shutdown()

    def _start(self) -> None:
        if self._running is None and (batch := pick(self._queue, most=self._most, budget=self._budget)):
            loop, texts = asyncio.get_running_loop(), [one.text for one in batch]
            self._running = loop.run_in_executor(self._executor, self._encode, texts)
            self._running.add_done_callback(lambda done: self._ended(batch, done))

    def _ended(self, batch: list[Waiting], done: asyncio.Future[Vector]) -> None:
        self._running = None
        if error := done.exception():
            _fail(batch, error)
        else:
            for one, row in zip(batch, done.result(), strict=True):
                if not one.future.done():
                    one.future.set_result(row)
        self._start()


def _fail(batch: list[Waiting], cause: BaseException) -> None:
    error = cause
    if not isinstance(cause, MemproxyError):
        error = ModelUnavailable(f"the model failed: {type(cause).__name__}")
        error.__cause__ = cause
    for one in batch:
        if not one.future.done():
            one.future.set_exception(error)


def _lower(niceness: int) -> None:
    if niceness and sys.platform == "linux":  # elsewhere priority belongs to the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
