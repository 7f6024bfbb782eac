"""Connections of the index to the server that the store is on, with the store's time-outs and words for errors.

They are the index's own: what waits for a vector search never keeps a turn from being committed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from memproxy.errors import StoreUnavailable
from memproxy_pgvector.tables import Conn
from memproxy_sql.postgresql import Postgresql
from memproxy_sql.server import CONNECT_TIMEOUT, LOCK_TIMEOUT, POOL_TIMEOUT, RECYCLE, UNANSWERED, UNREACHABLE, Fault

T = TypeVar("T")

_GRACE = 5.0
"""Seconds that a statement may take beyond what the server allows it, before its connection is given up."""
_SETTINGS = {
    "application_name": "memproxy vectors",
    "lock_timeout": str(round(LOCK_TIMEOUT * 1000)),
    "idle_in_transaction_session_timeout": "60000",
    "jit": "off",
    # Each search is planned with its values: only so the planner sees that the graph of an entity fits.
    "plan_cache_mode": "force_custom_plan",
    # By index alone, and by the graph where there is one; there is nothing else to choose.
    "enable_seqscan": "off",
    "enable_sort": "off",
    "max_parallel_workers_per_gather": "0",
    # A graph is searched on until there are enough.
    "hnsw.ef_search": "512",
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.max_scan_tuples": "1000000",
}


class Pool:
    def __init__(self, *, server: Postgresql) -> None:
        self._server = server
        self._pool: asyncpg.Pool[Any] | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self.errors: tuple[type[BaseException], ...] = (OSError, *server.driver_errors)

    @property
    def size(self) -> int:
        return max(2, self._server.pool_size // 4)

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._server.dsn,
            min_size=0,
            max_size=self.size,
            timeout=CONNECT_TIMEOUT,
            command_timeout=self._server.statement_timeout + _GRACE,
            max_inactive_connection_lifetime=RECYCLE,
            server_settings=self._settings(self._server.statement_timeout),
            reset=_leave,
        )

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if self._running:
            await asyncio.wait(self._running)
        if pool is not None:
            with contextlib.suppress(TimeoutError):  # a server that says nothing more is left as it is
                await asyncio.wait_for(pool.close(), _GRACE)

    async def connect(self) -> Conn:
        """A connection apart, whose statements may take as long as they take."""
        return await asyncpg.connect(
            self._server.dsn, timeout=CONNECT_TIMEOUT, server_settings=self._settings(0) | {"lock_timeout": "0"}
        )

    async def run(self, work: Callable[[Conn], Awaitable[T]]) -> T:
        """Do work that may be done twice. Work that has begun goes on to its end, even where its caller was cancelled:
        to break it off would cost the connection. Raises `StoreUnavailable`."""
        task = asyncio.create_task(self._persist(work))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def translated(self, error: BaseException) -> StoreUnavailable:
        return StoreUnavailable(f"The database {self._server.name} {self._fault(error).told}.")

    async def _persist(self, work: Callable[[Conn], Awaitable[T]]) -> T:
        """A connection that turns out to be dead is no reason to fail: all are made anew."""
        try:
            return await self._once(work)
        except self.errors as error:
            fault = self._fault(error)
            if not (fault.again or fault.lost) or fault.hopeless or fault is UNANSWERED:
                raise self.translated(error) from error
        if self._pool is not None:
            await self._pool.expire_connections()
        try:
            return await self._once(work)
        except self.errors as error:
            raise self.translated(error) from error

    async def _once(self, work: Callable[[Conn], Awaitable[T]]) -> T:
        if self._pool is None:
            raise StoreUnavailable("The index is not open.")
        async with self._pool.acquire(timeout=POOL_TIMEOUT) as conn:
            try:
                return await work(conn)
            except self.errors as error:
                if self._fault(error).lost:
                    conn.terminate()
                raise

    def _fault(self, error: BaseException) -> Fault:
        if isinstance(error, TimeoutError):
            return UNANSWERED
        return UNREACHABLE if isinstance(error, OSError) else self._server.fault(error)

    def _settings(self, statement_timeout: float) -> dict[str, str]:
        return _SETTINGS | {"statement_timeout": str(round(statement_timeout * 1000))}

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that has left does not make the loop complain


async def _leave(conn: object) -> None:
    """Nothing that work does outlives its transaction: asyncpg's own reset is a round trip for nothing."""
