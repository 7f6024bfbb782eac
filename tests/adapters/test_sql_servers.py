"""The stores on database servers keep every promise of a store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memproxy.testing.store_contract import DurableStoreContract, Reopen
from memproxy.testing.store_samples import turn
from memproxy_sql import SqlStore, open_store
from memproxy_sql.models import tables
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres


class ServerContract(DurableStoreContract):
    """One database for all tests, emptied for each."""

    @pytest.fixture
    async def store(self, url: str, tmp_path: Path) -> AsyncIterator[SqlStore]:
        async with open_store(url=url, data_dir=tmp_path) as store:
            await store._writer.run(_empty)
            yield store

    @pytest.fixture
    def reopen(self, url: str, tmp_path: Path) -> Reopen:
        return lambda: open_store(url=url, data_dir=tmp_path)


def _empty(conn) -> None:
    for table in tables.values():
        conn.execute(table.delete())


@pytest.fixture(scope="module")
def postgres_url(postgres: Postgres) -> str:
    return postgres.database()


class TestPostgresql(ServerContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url

    async def test_a_database_that_fills_is_looked_at_before_the_server_would(
        self, postgres: Postgres, tmp_path: Path
    ) -> None:
        url = postgres.database()
        looked = "SELECT count(*) FROM pg_stats WHERE tablename = 'message' AND attname = 'key'"
        async with open_store(url=url, data_dir=tmp_path) as store, asyncio.timeout(10):
            await store.commit([turn(*(f"number {n}" for n in range(600)))])
            while postgres.sql(looked, database=url.rpartition("/")[-1]) != "1":  # noqa: ASYNC110 it tells nobody
                await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def mariadb_url(mariadb: MariaDB) -> str:
    return mariadb.database()


class TestMariaDB(ServerContract):
    @pytest.fixture
    def url(self, mariadb_url: str) -> str:
        return mariadb_url
