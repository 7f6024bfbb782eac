"""The index in PostgreSQL keeps the promises of an index, for several replicas and whatever happens to the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from memproxy.domain import Scope
from memproxy.testing.index_contract import ALICE, IndexContract
from memproxy_pgvector import PgvectorIndex, open_index
from memproxy_sql import open_store
from tests.servers.postgres import Postgres

BOB = Scope("acme", "bob")
SCOPES = (ALICE, BOB, Scope("globex", "alice"), Scope("acmealice", ""))


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> str:
    return postgres.database()


async def empty(url: str, tmp_path: Path) -> None:
    """A store that holds the entities, and nothing of them."""
    async with open_store(url=url, data_dir=tmp_path):
        pass
    conn = await asyncpg.connect(url)
    await conn.execute("DELETE FROM entity")
    named = [(scope.tenant, scope.entity) for scope in SCOPES]
    await conn.executemany("INSERT INTO entity VALUES ($1, $2, 0, 0, 0)", named)
    await conn.close()


def opened(url: str, **options: object) -> PgvectorIndex:
    given = {"dimensions": IndexContract.DIMENSIONS, "model": IndexContract.MODEL} | options
    return open_index(data_dir=Path("/nowhere"), store_url=url, **given)


class TestExact(IndexContract):
    @pytest.fixture
    async def index(self, url: str, tmp_path: Path) -> AsyncIterator[PgvectorIndex]:
        await empty(url, tmp_path)
        async with opened(url) as index:
            yield index
