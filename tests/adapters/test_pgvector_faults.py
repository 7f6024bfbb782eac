"""Whatever the database server is or does, the index tells it in memproxy's own words, and no password."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from memproxy.domain import Changes
from memproxy.errors import ConfigError, StoreUnavailable
from memproxy.testing.index_contract import ALICE, facts
from memproxy_pgvector import tables
from memproxy_sql import open_store
from tests.adapters.vectors import home, numbers, opened
from tests.conftest import running
from tests.servers.postgres import Postgres
from tests.servers.process import ServerProcess

PASSWORD = "hunter2-hunter2"


@pytest.fixture(scope="module")
def machine() -> Iterator[ServerProcess]:
    """A server of its own: these tests stop it."""
    yield from running(Postgres)


@pytest.fixture
def url(machine: Postgres) -> str:
    return machine.database()


async def test_a_server_that_goes_fails_searches_alone_and_is_used_again(
    machine: Postgres, url: str, tmp_path: Path
) -> None:
    await home(url, tmp_path)
    secret = url.replace("postgres@", f"postgres:{PASSWORD}@")
    async with opened(secret) as index:
        await index.apply(ALICE, Changes(5, facts(1, 2)), since=0)
        machine.kill()
        for verb in (numbers(index), index.apply(ALICE, Changes(6), since=5), index.drop(ALICE), index.check()):
            with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:\d+/test\d+ ") as told:
                await verb
            assert PASSWORD not in str(told.value) + repr(index) + repr(vars(index))
        async with opened(secret) as early:  # starts before the server does
            await asyncio.to_thread(machine.start)
            assert await early.version(ALICE) == 5
            await early.check()
        await index.apply(ALICE, Changes(6, facts(3)), since=5)
        machine.stop()
        await asyncio.to_thread(machine.start)
        assert await numbers(index) == [1, 2, 3]


async def test_a_server_that_hangs_keeps_no_search_for_long(
    machine: Postgres, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memproxy_pgvector.index._SEARCH_LIMIT", 0.2)
    await home(url, tmp_path)
    async with opened(url) as index:
        await index.apply(ALICE, Changes(5, facts(1, 2)), since=0)
        machine.pause()
        try:
            assert await index.version(ALICE) == 5
            with pytest.raises(StoreUnavailable, match="did not answer in time"):
                await numbers(index)
        finally:
            machine.resume()
        assert await numbers(index) == [1, 2]


@pytest.mark.parametrize("store", ["sqlite:///x.db", "mysql://a:secret@h/d", "cockroachdb://a:secret@h/d", "secret"])
def test_a_store_that_is_not_postgresql_is_refused_naming_both_settings(store: str) -> None:
    with pytest.raises(ConfigError, match=r"`store` to postgresql.* `index` to hnsw") as refusal:
        opened(store)
    assert "secret" not in str(refusal.value)


async def test_who_may_not_create_extensions_is_told_the_remedy(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    name = url.rpartition("/")[2]
    postgres.sql(f"CREATE ROLE meek{name} LOGIN; GRANT ALL ON SCHEMA public TO meek{name}", database=name)
    meek = url.replace("postgres@", f"meek{name}@")
    async with open_store(url=meek, data_dir=tmp_path):
        with pytest.raises(ConfigError, match="run `CREATE EXTENSION vector` there once; or set `index` to hnsw"):
            await opened(meek).__aenter__()
        postgres.sql("CREATE EXTENSION vector", database=name)
        async with opened(meek) as index:
            assert await index.version(ALICE) == 0


@pytest.mark.parametrize(
    ("found", "remedy"),
    [
        ({"extension": None, "available": None}, "has no pgvector: install it"),
        ({"extension": "0.7.4"}, "has pgvector 0.7.4: run `ALTER EXTENSION vector UPDATE`"),
        ({"known": False}, "in a schema that is not in its user's `search_path`"),
        ({"layout": "2"}, "vectors of a newer memproxy"),
    ],
)
def test_a_database_that_cannot_hold_vectors_is_refused_with_the_remedy(found: dict, remedy: str) -> None:
    good = {"extension": "0.8.5", "available": "0.8.5", "known": True, "layout": "1"}
    assert tables.ready(good, "db")
    with pytest.raises(ConfigError, match=remedy):
        tables.ready(good | found, "db")
