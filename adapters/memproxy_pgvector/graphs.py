"""Graphs of large entities: an HNSW index over the rows of each one alone, drawn aside while searches go on.

One graph over everybody would have to be searched far beyond what is asked, since most of what is near belongs to
others, and every vector of a small entity would pay for a place in it. So it is a partial index for each large entity:
what it finds is the entity's own, and a small entity costs it nothing. Searches are exact until it is there.

Drawn `CONCURRENTLY`, by one replica at a time, on one core of the server; what an entity that was erased leaves behind
is an empty index, which the next round drops.
"""

from __future__ import annotations

import asyncio
import logging

from memproxy_pgvector.pool import Pool
from memproxy_pgvector.tables import Conn

log = logging.getLogger(__name__)

MOST_DIMENSIONS = 4_000
"""Of half-precision vectors that pgvector draws a graph of."""
_MOST = 200
"""Graphs in one database: the planner looks at each of them for each search, some microseconds long."""
_MEMORY = "256MB"
"""For drawing; past it the rest goes slower. 200 000 vectors of 384 dimensions."""
_LOCK = 0x6D656D7067726170
"""The advisory lock of whoever draws: "mempgrap" in bytes."""

_WANTED = f"""
SELECT id, vectors FROM vector_feed
WHERE vectors > $1 AND model = $2 AND to_regclass('vector_graph_' || id) IS NULL
ORDER BY vectors DESC LIMIT greatest(0, {_MOST} - (
    SELECT count(*) FROM pg_index WHERE indrelid = 'vector_row'::regclass AND NOT indisprimary
))
"""
_USELESS = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'vector_row'::regclass AND NOT i.indisprimary AND (
    NOT i.indisvalid OR NOT EXISTS (SELECT FROM vector_feed WHERE c.relname = 'vector_graph_' || id)
)
"""


class Graphs:
    """`above`: vectors of an entity past which it gets a graph."""

    def __init__(self, *, pool: Pool, dimensions: int, model: str, above: int) -> None:
        self._pool, self._dimensions, self._model, self._above = pool, dimensions, model, above
        self._wanted: set[int] = set()
        self._again = self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._conn: Conn | None = None

    def want(self, feed: int) -> None:
        """An entity is large: it has a graph, or gets one."""
        if feed not in self._wanted:
            self._wanted.add(feed)
            self.tend()

    def tend(self) -> None:
        """Begin to draw what is missing and to drop what is useless."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._rounds())

    async def close(self) -> None:
        """A graph that is being drawn is finished by the server."""
        self._closing = True
        if self._conn is not None:
            self._conn.terminate()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _rounds(self) -> None:
        while self._again and not self._closing:
            self._again = False
            try:
                self._conn = await self._pool.connect()
                if not self._closing:
                    await self._round(self._conn)
            except self._pool.errors as error:
                if not self._closing:
                    self._wanted.clear()  # the next change asks again
                    told = str(self._pool.translated(error))
                    log.warning("large entities are searched without a graph", extra={"error": told})
            finally:
                if self._conn is not None:
                    self._conn.terminate()
                self._conn = None

    async def _round(self, conn: Conn) -> None:
        """Nothing where another replica is at it."""
        if not await conn.fetchval(f"SELECT pg_try_advisory_lock({_LOCK})"):
            return
        for (name,) in await conn.fetch(_USELESS):
            await conn.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
        if self._dimensions > MOST_DIMENSIONS:
            return
        await conn.execute(f"SET maintenance_work_mem = '{_MEMORY}'; SET max_parallel_maintenance_workers = 0")
        while found := await conn.fetchrow(_WANTED, self._above, self._model):
            await self._draw(conn, found["id"])
            log.info("drew the graph of an entity", extra={"vectors": found["vectors"]})

    async def _draw(self, conn: Conn, feed: int) -> None:
        await conn.execute(
            f"CREATE INDEX CONCURRENTLY vector_graph_{feed} ON vector_row "
            f"USING hnsw ((embedding::halfvec({self._dimensions})) halfvec_ip_ops) WHERE feed = {feed}"
        )
