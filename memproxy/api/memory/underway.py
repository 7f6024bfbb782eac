"""Imports that are running, so that an erasure ends them first: what was erased must not come back behind it.

    importing  waits for a running erasure of the entity, then writes in bounded steps
    erasing    tells the entity's imports to stop, waits for their last step, and keeps new ones out until it is done

This holds among the workers of one service. An import through another replica goes on behind the erasure, as a chat
would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from memproxy.curation import nobody
from memproxy.domain import Scope
from memproxy.errors import Conflict

T = TypeVar("T")
Key = tuple[str, str]


class Import:
    """One import on its way."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._stopped = False
        self._waiting: asyncio.Timeout | None = None

    def check(self) -> None:
        """Between two steps. Raises `Conflict` where the entity is being erased."""
        if self._stopped:
            raise Conflict("the entity was erased while this came in; send it again if it is to be kept")

    async def wait(self, more: Awaitable[T]) -> T:
        """Wait for the caller to send more, which an erasure does not wait for."""
        self.check()
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await more
        except TimeoutError:
            self.check()
            raise
        finally:
            self._waiting = None

    def stop(self) -> None:
        self._stopped = True
        if self._waiting is not None:
            self._waiting.reschedule(0)


class Underway:
    """Knows the imports and erasures of this process; `others` ends the imports of the other workers."""

    def __init__(self, *, others: Callable[[Scope], Awaitable[None]] = nobody) -> None:
        self._others = others
        self._imports: dict[Key, set[Import]] = {}
        self._erasures: dict[Key, asyncio.Event] = {}

    @asynccontextmanager
    async def importing(self, scope: Scope) -> AsyncIterator[Import]:
        key = (scope.tenant, scope.entity)
        await self._free(key)
        one = Import()
        self._imports.setdefault(key, set()).add(one)
        try:
            yield one
        finally:
            one.ended.set()
            self._imports[key].discard(one)
            if not self._imports[key]:
                del self._imports[key]

    @asynccontextmanager
    async def erasing(self, scope: Scope) -> AsyncIterator[None]:
        key = (scope.tenant, scope.entity)
        await self._free(key)
        done = self._erasures[key] = asyncio.Event()
        try:
            await self.stop(scope)
            await self._others(scope)
            yield
        finally:
            del self._erasures[key]
            done.set()

    async def stop(self, scope: Scope) -> None:
        """End the imports that are running, and wait for their last step."""
        running = tuple(self._imports.get((scope.tenant, scope.entity), ()))
        for one in running:
            one.stop()
        for one in running:
            await one.ended.wait()

    async def _free(self, key: Key) -> None:
        while (erasure := self._erasures.get(key)) is not None:
            await erasure.wait()
