"""The `Index`: vectors of an entity as rows of PostgreSQL, compared there.

    apply ──► rows ──past `graph_above`──► graph      version: from what this process knows, where it knows
              └── all compared (exact)     └── HNSW   search: one round trip, and tells where that was wrong

A replica may find that another has fed the entity already, further than itself or in another life of it. So a change is
applied under the lock of the entity's row in `vector_feed`, from the version that stands there; and a search brings
that version along: where it is behind what this process believes, the vectors are not all there and the search fails,
which the caller calls degraded and which feeds them again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from memproxy.domain import Changes, FactState, Scope
from memproxy.errors import ConfigError, StoreUnavailable
from memproxy.ports import Vector
from memproxy_pgvector import change, tables
from memproxy_pgvector.graphs import Graphs
from memproxy_pgvector.pool import Pool
from memproxy_pgvector.tables import Conn
from memproxy_sql.postgresql import Postgresql

log = logging.getLogger(__name__)

GRAPH_ABOVE = 50_000
"""Vectors up to which comparing all is about as fast as a graph, and exact: 40 ms for the 512 nearest."""
PER_HIT = 100
"""A graph takes as long for one more hit as comparing this many vectors."""
_KNOWN = 65_536
"""Entities whose version is remembered, at some 300 bytes each."""
_READ_INLINE = 500
"""Facts whose embeddings are read in under a millisecond."""
_SEARCH_LIMIT = 2.0
"""Seconds for a search; whoever asked has long gone on without."""
_NO_MODEL = 1
"""Dimensions of an embedder that gives no vectors."""

Key = tuple[str, str]


class Fed(NamedTuple):
    """What is known of an entity's row in `vector_feed`."""

    id: int
    version: int
    vectors: int


_FIND = "SELECT id, version, vectors FROM vector_feed WHERE tenant_id = $1 AND entity_id = $2 AND model = $3"
_BEGIN = """
INSERT INTO vector_feed (tenant_id, entity_id, born, model) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, entity_id) DO NOTHING
"""
_HOLD = """
SELECT id, version, vectors, born, model FROM vector_feed WHERE tenant_id = $1 AND entity_id = $2 FOR NO KEY UPDATE
"""
_EMPTY = "DELETE FROM vector_row WHERE feed = $1"
_ANEW = """
UPDATE vector_feed SET id = DEFAULT, version = 0, vectors = 0, born = $2, model = $3 WHERE id = $1 RETURNING id
"""
_NUMBERS = "SELECT coalesce(array_agg(number), '{}') FROM vector_row WHERE feed = $1"
_TAKE_OUT = "DELETE FROM vector_row WHERE feed = $1 AND number = ANY($2::bigint[])"
_FOLLOWED = "UPDATE vector_feed SET version = $2, vectors = $3 WHERE id = $1"
_FORGET = """
DELETE FROM vector_row USING vector_feed
WHERE feed = id AND tenant_id = $1 AND entity_id = $2 AND number = ANY($3::bigint[])
"""
_DROP = "DELETE FROM vector_feed WHERE tenant_id = $1 AND entity_id = $2"


def open_index(
    *, data_dir: Path, dimensions: int, model: str | None = None, store_url: str, **options: object
) -> PgvectorIndex:
    """An index for vectors of `model` in the database of the store; None keeps no vectors at all.

    Options: `graph_above` (vectors of an entity up to which search is exact). Raises `ConfigError`."""
    try:
        url = make_url(store_url)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigError(
            "index = pgvector keeps vectors in the store's own database, which must be PostgreSQL: "
            "set `store` to postgresql://…, or `index` to hnsw.",
            param="index",
        )
    above = options.get("graph_above")
    return PgvectorIndex(
        server=Postgresql.of(url),
        dimensions=dimensions,
        model=model if dimensions > _NO_MODEL else None,
        graph_above=above if isinstance(above, int) else GRAPH_ABOVE,
    )


class PgvectorIndex:
    """Facts whose embedding is of another model, or of another length, are left out."""

    def __init__(
        self, *, server: Postgresql, dimensions: int, model: str | None = None, graph_above: int = GRAPH_ABOVE
    ) -> None:
        self._dimensions, self._model, self._graph_above = dimensions, model, graph_above
        self._pool = Pool(server=server)
        self._name = server.name
        self._graphs = Graphs(pool=self._pool, dimensions=dimensions, model=model or "", above=graph_above)
        self._known: OrderedDict[Key, Fed] = OrderedDict()
        self._setting_up = asyncio.Lock()
        self._is_set_up = False
        # Feeding takes long where there is much: searches always find a connection.
        self._feeding = asyncio.Semaphore(max(1, self._pool.size // 2))
        distance = f"embedding::halfvec({dimensions}) <#> $2::real[]::halfvec({dimensions})"
        # The second is no distance that a graph knows.
        self._by_graph, self._exactly = _search(distance), _search(f"({distance}) + 0")

    async def __aenter__(self) -> Self:
        """Raises `ConfigError` where the database can never hold vectors. One that is away may come back."""
        await self._pool.open()
        try:
            await self._ready()
        except StoreUnavailable as error:
            log.warning("the vector index is away; recall goes by words until it is back", extra={"error": str(error)})
        except BaseException:
            await self._pool.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._graphs.close()
        await self._pool.close()
        self._known.clear()

    async def check(self) -> None:
        """One round trip; raises `StoreUnavailable`."""
        await self._ready()
        await self._pool.run(lambda conn: conn.fetchval("SELECT 1", timeout=_SEARCH_LIMIT))

    async def version(self, scope: Scope) -> int:
        fed = await self._find(scope)
        return fed.version if fed else 0

    async def apply(self, scope: Scope, changes: Changes, *, since: int) -> None:
        await self._ready()
        key = scope.tenant, scope.entity
        if (model := self._model) is None:
            await self._forget(scope, changes)
            if not since or since <= self._at(key) < changes.version:
                self._remember(key, Fed(0, changes.version, 0))
            return
        async with self._feeding:
            fed = await self._pool.run(lambda conn: self._feed(conn, scope, changes, since, model))
        self._remember(key, fed)
        if fed and fed.vectors > self._graph_above:
            self._graphs.want(fed.id)

    async def search(self, scope: Scope, vector: Vector, *, limit: int) -> Sequence[tuple[int, float]]:
        fed = await self._find(scope)
        if fed is None or not fed.id or limit < 1:
            return []
        query, asked = self._query(fed, limit), (fed.id, vector.tolist(), limit)
        rows = await self._pool.run(lambda conn: conn.fetch(query, *asked, timeout=_SEARCH_LIMIT))
        if not rows or rows[0]["version"] < fed.version:
            self._known.pop((scope.tenant, scope.entity), None)
            raise StoreUnavailable(f"The database {self._name} lost the vectors of an entity, which is fed again.")
        hits = [(row["number"], -row["distance"]) for row in rows if row["number"] is not None]
        return sorted(hits, key=lambda hit: -hit[1])  # a graph gives them in an order that is nearly right

    def _query(self, fed: Fed, limit: int) -> str:
        return self._by_graph if fed.vectors > max(self._graph_above, PER_HIT * limit) else self._exactly

    async def drop(self, scope: Scope) -> None:
        await self._ready()
        fed = self._known.pop((scope.tenant, scope.entity), None)
        await self._pool.run(lambda conn: conn.execute(_DROP, scope.tenant, scope.entity))
        if fed and fed.vectors > self._graph_above:
            self._graphs.tend()

    async def _ready(self) -> None:
        """The tables are there. Made at the first chance, where there was none at the start."""
        if self._is_set_up:
            return
        async with self._setting_up:
            if not self._is_set_up:
                await self._pool.run(lambda conn: tables.set_up(conn, self._name))
                self._is_set_up = True
                self._graphs.tend()

    async def _find(self, scope: Scope) -> Fed | None:
        key = scope.tenant, scope.entity
        if (fed := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return fed
        if self._model is None:
            return None
        await self._ready()
        row = await self._pool.run(lambda conn: conn.fetchrow(_FIND, *key, self._model, timeout=_SEARCH_LIMIT))
        self._remember(key, Fed(*row) if row else None)
        return self._known.get(key)

    def _remember(self, key: Key, fed: Fed | None) -> None:
        self._known.pop(key, None)
        if fed is not None:
            self._known[key] = fed
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)

    def _at(self, key: Key) -> int:
        fed = self._known.get(key)
        return fed.version if fed else 0

    async def _forget(self, scope: Scope, changes: Changes) -> None:
        """What other replicas, or this one with a model, have put and is to be gone."""
        gone = [fact.number for fact in changes.facts if fact.state is not FactState.CURRENT]
        if gone:
            await self._pool.run(lambda conn: conn.execute(_FORGET, scope.tenant, scope.entity, gone))

    async def _feed(self, conn: Conn, scope: Scope, changes: Changes, since: int, model: str) -> Fed | None:
        """Where the entity stands then; None where it has no vectors of this model to begin with, or was erased."""
        owner = scope.tenant, scope.entity
        if not since:
            try:  # apart: it locks the entity's row in the store, which commits wait for
                await conn.execute(_BEGIN, *owner, changes.born, model)
            except asyncpg.ForeignKeyViolationError:
                return None
        async with conn.transaction():
            row = await conn.fetchrow(_HOLD, *owner)
            if row is None:
                return None
            fed = Fed(row["id"], row["version"], row["vectors"])
            if (row["born"], row["model"]) != (changes.born, model):
                if since:
                    return None
                await conn.execute(_EMPTY, fed.id)
                fed = Fed(await conn.fetchval(_ANEW, fed.id, changes.born, model), 0, 0)
            if not since <= fed.version < changes.version:
                return fed
            return await self._follow(conn, fed, changes, model, whole=not since)

    async def _follow(self, conn: Conn, fed: Fed, changes: Changes, model: str, *, whole: bool) -> Fed:
        held: list[int] | None = None
        if whole:
            held = await conn.fetchval(_NUMBERS, fed.id) if fed.vectors else []

        def read() -> change.Change:
            facts = changes.facts
            return change.of(facts, dimensions=self._dimensions, model=model, version=fed.version, held=held)

        wanted = read() if len(changes.facts) <= _READ_INLINE else await asyncio.to_thread(read)
        vectors = fed.vectors
        if vectors and (stale := [*wanted.put, *wanted.removed]):
            vectors -= _count(await conn.execute(_TAKE_OUT, fed.id, stale))
        for count, rows in change.copies(fed.id, wanted.put, self._dimensions):
            await conn.copy_to_table("vector_row", source=BytesIO(rows), format="binary")
            vectors += count
        await conn.execute(_FOLLOWED, fed.id, changes.version, vectors)
        return Fed(fed.id, changes.version, vectors)


def _search(distance: str) -> str:
    """One row at least, where the entity is there at all."""
    return f"""
        SELECT version, number, distance FROM vector_feed LEFT JOIN LATERAL (
            SELECT number, {distance} AS distance FROM vector_row WHERE feed = $1 ORDER BY distance LIMIT $3
        ) AS hit ON true WHERE id = $1
    """


def _count(status: Any) -> int:
    return int(str(status).rpartition(" ")[2])
