"""A database of every schema that was released is opened with all it holds, a newer one is refused, and of replicas
that start at once one applies what is missing.

`data/make.py` writes the dump of a new version.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from sqlalchemy import Connection, inspect

from memproxy.domain import SchemaVersion
from memproxy.errors import ConfigError
from memproxy.ports import Migrating
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_contract_memory import remember
from memproxy.testing.store_samples import ALICE, fact, turn
from memproxy_mongo import open_store as open_mongo
from memproxy_sql import open_store as open_sql
from memproxy_sql import schema
from tests.adapters.data import dumps
from tests.adapters.data.content import contents, fill
from tests.adapters.test_sql_schema import ENVIRONMENT
from tests.conftest import STORES

DUMPS = sorted(path.name for path in dumps.DATA.glob("*_*.*") if path.name != "sqlite_0001.sql")
"""The first of all has its own test, in `test_sql_schema.py`: it was written before these."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Any:
    """Of the kind that the test's parameter begins with."""
    running = STORES[request.node.callspec.params["name"].partition("_")[0]]
    return request.getfixturevalue(running) if running is not None else None


@pytest.fixture
def url(name: str, server: Any, tmp_path: Path) -> str:
    """A database that holds what the dump of this name does."""
    text = (dumps.DATA / name).read_bytes().decode()
    if name.startswith("mongodb"):
        return dumps.load_mongo(text, server)
    if server is not None:
        return dumps.load_sql(text, server)
    dumps.load_sqlite(text, tmp_path / "memproxy.db")
    return f"sqlite:///{tmp_path}/memproxy.db"


def opened(url: str) -> Any:
    return (open_mongo if url.startswith("mongodb") else open_sql)(url=url, data_dir=Path("/nowhere"))


def test_there_is_a_dump_of_the_newest_schema_of_each_kind() -> None:
    """Where this fails: `python -m tests.adapters.data.make`."""
    assert {*dumps.NEWEST.values()} <= {*DUMPS}


@pytest.mark.parametrize("name", DUMPS)
async def test_all_that_a_released_schema_holds_is_found_and_can_be_added_to(name: str, url: str) -> None:
    expected = MemoryStore()
    await fill(expected)
    async with opened(url) as store:
        assert await contents(store) == await contents(expected)
        before = (await store.changes(ALICE, since=0)).version
        assert await remember(store, fact(99)) == before + 1
        assert (await store.commit([turn("new", session="s2")]))[0].added == 1
        assert await store.erase(ALICE) is not None


def shape(conn: Connection) -> object:
    """Tables with their columns and indexes."""
    found = inspect(conn)
    return {
        table: (
            [{**column, "type": repr(column["type"])} for column in found.get_columns(table)],
            sorted(map(repr, found.get_indexes(table))),
            found.get_pk_constraint(table)["constrained_columns"],
        )
        for table in found.get_table_names()
    }


@pytest.mark.parametrize("name", [name for name in DUMPS if name.endswith(".sql") and not name.startswith("sqlite")])
async def test_a_server_s_database_that_was_upgraded_is_the_one_that_is_made_anew(
    name: str, url: str, server: Any
) -> None:
    async with opened(url) as old, opened(server.database()) as new:
        assert await old._writer.run(shape) == await new._writer.run(shape)


NEWEST = list(dumps.NEWEST.values())


@pytest.mark.parametrize("name", NEWEST)
async def test_the_versions_are_told_of_a_database_and_of_none(
    name: str, url: str, server: Any, tmp_path: Path
) -> None:
    store = opened(url)
    assert isinstance(store, Migrating)
    told = await store.versions()
    assert [one.applied for one in told] == [True] * len(told)
    assert name.rpartition("_")[2].partition(".")[0] == told[-1].id
    assert all(one.does.endswith(".") for one in told)
    new = server.database() if server is not None else f"sqlite:///{tmp_path}/new/memproxy.db"
    for _ in range(2):  # nothing is made by looking
        assert await opened(new).versions() == [SchemaVersion(one.id, one.does, False) for one in told]
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", NEWEST)
async def test_a_newer_schema_and_another_program_s_are_refused_with_a_sentence(
    name: str, url: str, server: Any, tmp_path: Path
) -> None:
    _set_version(url, server, "9999")
    store = opened(url)
    for attempt in (store.__aenter__, store.versions):
        with pytest.raises(
            ConfigError, match=r"schema 9999, which is newer than this memproxy knows .* newer memproxy"
        ):
            await attempt()
    other = _of_another_program(server, tmp_path)
    for attempt in (opened(other).__aenter__, opened(other).versions):
        with pytest.raises(ConfigError, match="is a database of another program"):
            await attempt()


def _set_version(url: str, server: Any, version: str) -> None:
    statement = f"UPDATE alembic_version SET version_num = '{version}'"
    if url.startswith("mongodb"):
        with MongoClient(url) as client:
            client[dumps.name_of(url)]["schema"].update_one({}, {"$set": {"version": int(version)}})
    elif server is not None:
        server.sql(statement, database=dumps.name_of(url))
    else:
        dumps.load_sqlite(statement, Path(url.removeprefix("sqlite:///")))


def _of_another_program(server: Any, folder: Path) -> str:
    """One that uses Alembic too, where that is in question."""
    script = "CREATE TABLE alembic_version (version_num VARCHAR(32)); INSERT INTO alembic_version VALUES ('ab12cd');"
    if server is None:
        dumps.load_sqlite(script, folder / "other.db")
        return f"sqlite:///{folder}/other.db"
    if hasattr(server, "sql"):
        return dumps.load_sql(script, server)
    url = server.database()
    with MongoClient(url) as client:
        client[dumps.name_of(url)]["theirs"].insert_one({})
    return url


STEP = '''
"""A step that takes its time."""

import os, time
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from memproxy_sql.dialect import everywhere, table_options

revision, down_revision, branch_labels, depends_on = "9999", "{head}", None, None
HERE = Path({folder!r})

def upgrade():
    found = sa.inspect(op.get_bind())
    (HERE / f"begun-{{os.getpid()}}").touch()
    # Where every statement commits, a step that was broken off is begun again.
    if "colour" not in [column["name"] for column in found.get_columns("fact")]:
        op.add_column("fact", sa.Column("colour", everywhere(sa.String(), keyed=False), nullable=True))
    if not found.has_table("hue"):
        key = sa.Column("tenant_id", everywhere(sa.String(), keyed=True), primary_key=True)
        op.create_table("hue", key, **table_options(op.get_bind()))
    while not (HERE / "go").exists():
        time.sleep(0.01)
    op.execute("UPDATE fact SET colour = kind")
    op.execute("INSERT INTO hue SELECT DISTINCT tenant_id FROM entity")
    with (HERE / "log").open("a") as log:
        log.write("applied\\n")
'''

REPLICA = """
import asyncio, sys
from pathlib import Path
from memproxy_sql import open_store, schema

schema.MIGRATIONS, schema.HEAD = Path(sys.argv[1]) / "migrations", "9999"

async def main():
    print("opening", flush=True)
    async with open_store(url=sys.argv[2], data_dir=Path(sys.argv[1])):
        with (Path(sys.argv[1]) / "log").open("a") as log:
            log.write("opened\\n")
asyncio.run(main())
"""


async def replica(folder: Path, url: str) -> asyncio.subprocess.Process:
    """A memproxy that knows one step more, and is about to open the store."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", REPLICA, str(folder), url,
        env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"opening\n"
    return process


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def colours(conn: Connection) -> tuple[set[object], list[object]]:
    same = conn.exec_driver_sql("SELECT DISTINCT colour = kind FROM fact").scalars()
    return set(same), sorted(conn.exec_driver_sql("SELECT tenant_id FROM hue").scalars())


@pytest.mark.parametrize("name", [name for name in NEWEST if name.endswith(".sql")])
async def test_a_further_step_is_applied_by_one_replica_while_another_waits_even_after_a_death(
    name: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(schema.MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    step = STEP.format(head=schema.HEAD, folder=str(tmp_path))
    (tmp_path / "migrations/versions/9999_a_step.py").write_text(step)
    first = await replica(tmp_path, url)
    await until(lambda: len(list(tmp_path.glob("begun-*"))) == 1)
    first.kill()
    await first.communicate()
    second = await replica(tmp_path, url)
    await until(lambda: len(list(tmp_path.glob("begun-*"))) == 2)
    third = await replica(tmp_path, url)
    await asyncio.sleep(0.3)  # long enough to open a store that is up to date
    (tmp_path / "go").touch()
    for process in (second, third):
        assert (await process.communicate())[1] == b""
    assert (tmp_path / "log").read_text() == "applied\nopened\nopened\n"
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path / "migrations")
    monkeypatch.setattr(schema, "HEAD", "9999")
    expected = MemoryStore()
    await fill(expected)
    async with opened(url) as store:
        assert await contents(store) == await contents(expected)
        assert await store._writer.run(colours) == ({1}, ["acme", "globex"])
