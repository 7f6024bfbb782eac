"""What tests of the index in PostgreSQL share: entities for the vectors to belong to, and an index that waits."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

from memproxy.domain import Changes, Scope
from memproxy.ports import Vector
from memproxy.testing.index_contract import ALICE, IndexContract, unit
from memproxy_pgvector import PgvectorIndex, open_index
from memproxy_sql import open_store
from memproxy_sql.postgresql import Postgresql

BOB = Scope("acme", "bob")
CAROL = Scope("globex", "alice")
SCOPES = (ALICE, BOB, CAROL, Scope("acmealice", ""))


class Settled(PgvectorIndex):
    """An index whose changes return only when what goes on aside has ended."""

    @classmethod
    def of(cls, url: str, *, graph_above: int, dimensions: int = IndexContract.DIMENSIONS) -> Settled:
        server = Postgresql.of(make_url(url))
        return cls(server=server, dimensions=dimensions, model=IndexContract.MODEL, graph_above=graph_above)

    async def apply(self, scope: Scope, changes: Changes, *, since: int) -> None:
        await super().apply(scope, changes, since=since)
        await self.settle()

    async def settle(self) -> None:
        if self._graphs._task is not None:
            async with asyncio.timeout(60):
                await asyncio.wait([self._graphs._task])

    async def plan(self, scope: Scope, vector: Vector, limit: int) -> str:
        """How a search is done."""
        fed = self._known[scope.tenant, scope.entity]
        asked = fed.id, vector.tolist(), limit
        steps = await self._pool.run(lambda conn: conn.fetch(f"EXPLAIN {self._query(fed, limit)}", *asked))
        return "\n".join(step for (step,) in steps)


def opened(url: str, **options: Any) -> PgvectorIndex:
    given = {"dimensions": IndexContract.DIMENSIONS, "model": IndexContract.MODEL} | options
    return open_index(data_dir=Path("/nowhere"), store_url=url, **given)


async def home(url: str, folder: Path) -> None:
    """A store that holds the entities, and nothing of them."""
    async with open_store(url=url, data_dir=folder):
        pass
    await sql(url, "DELETE FROM entity")
    values = ", ".join(f"('{scope.tenant}', '{scope.entity}', 0, 0, 0)" for scope in SCOPES)
    await sql(url, f"INSERT INTO entity VALUES {values}")


async def numbers(index: PgvectorIndex) -> list[int]:
    return sorted(number for number, _ in await index.search(ALICE, unit(1), limit=1000))


async def sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    conn = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await conn.fetch(statement)]
    finally:
        await conn.close()
