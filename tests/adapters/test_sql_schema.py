"""The schema on the disk is the one in the models, however it came there, and what was committed is on the disk."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from memproxy.domain import Event, FactState, MemoryWrite, Triple, Usage
from memproxy.errors import ConfigError, StoreUnavailable
from memproxy.testing.store_contract_turns import texts
from memproxy.testing.store_samples import ALICE, BOB, NOON, STRANGER, fact, turn
from memproxy_sql import SqlStore, open_store, schema
from memproxy_sql.connection import SqliteConnection
from memproxy_sql.models import Stored

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).parent / "data"
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'adapters'}"}

OVER_ALL_TENANTS = {"tenant", "ix_job_state_created_at_id", "api_key"}
"""Keys and indexes for questions that are asked over all tenants."""


def sqlite(folder: Path) -> SqlStore:
    return open_store(url="sqlite:///{data_dir}/memproxy.db", data_dir=folder)


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "memproxy.db") as conn:
        found = conn.execute(query).fetchall()
    conn.close()
    return found


async def test_migrations_lead_to_the_models(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as store:
        difference = await store._writer.run(
            lambda conn: compare_metadata(MigrationContext.configure(conn), Stored.metadata)
        )
    assert difference == []


async def test_migrations_make_the_very_same_indexes(tmp_path: Path) -> None:
    """Alembic does not compare the conditions of partial indexes."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    engine = create_engine("sqlite://")
    with engine.connect() as conn:
        Stored.metadata.create_all(conn)
        modelled = [tuple(row) for row in conn.exec_driver_sql(query)]
    engine.dispose()
    async with sqlite(tmp_path):
        assert rows(tmp_path, query) == modelled


def test_the_newest_migration_is_the_head_that_the_program_expects() -> None:
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_heads() == [schema.HEAD]


def test_the_tenant_leads_every_key_and_index() -> None:
    for table in Stored.metadata.tables.values():
        led = {table.name: [column.name for column in table.primary_key]}
        led |= {str(index.name): [column.name for column in index.columns] for index in table.indexes}
        for name, columns in led.items():
            assert columns[0] == "tenant_id" or name in OVER_ALL_TENANTS, (name, columns)


async def test_a_newer_schema_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with sqlite(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "memproxy.db") as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0999'")
    conn.close()
    with pytest.raises(ConfigError, match=r"schema 0999, which is newer than this memproxy knows .* newer memproxy"):
        await sqlite(tmp_path).__aenter__()
    assert rows(tmp_path, "SELECT version_num FROM alembic_version") == [("0999",)]


async def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "memproxy.db"

    def fail(conn: Connection) -> None:
        schema.upgrade(conn, file)
        raise ConfigError("on purpose")

    connection = SqliteConnection(file=file, begin="BEGIN IMMEDIATE", pragmas=[])
    await connection.open()
    with pytest.raises(ConfigError, match="on purpose"):
        await connection.set_up(fail, first=[], patience=1)
    await connection.close()
    assert rows(tmp_path, "SELECT name FROM sqlite_master") == []
    async with sqlite(tmp_path) as store:
        await store.check()


async def test_who_waits_too_long_for_another_to_set_up_is_told(tmp_path: Path) -> None:
    connection = SqliteConnection(file=tmp_path / "memproxy.db", begin="BEGIN IMMEDIATE", pragmas=[])
    await connection.open()
    with schema.lock(tmp_path / "memproxy.db", patience=0), pytest.raises(StoreUnavailable, match="still setting up"):
        await connection.set_up(lambda conn: None, first=[], patience=0)
    await connection.close()


async def test_a_database_of_the_first_schema_is_brought_up_to_date_with_all_it_holds(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "memproxy.db")
    old.executescript((DATA / "sqlite_0001.sql").read_text())
    old.close()
    before = {table: rows(tmp_path, f"SELECT * FROM {table}") for table in ("entity", "message", "injection", "event")}
    async with sqlite(tmp_path) as store:
        known = (await store.changes(ALICE, since=0)).facts
        assert [(f.number, f.value, f.authored, len(f.sources)) for f in known] == [
            (1, "berlin", False, 1), (2, "lisbon", False, 0), (3, None, False, 0), (4, None, False, 0),
            (5, "ümlaute", False, 0),
        ]  # fmt: skip
        for scope in (ALICE, BOB, STRANGER):
            found = await store.about(scope, attributes=[], statements=[("home", "lisbon"), ("likes", "ümlaute")])
            assert [f.id for f in found] == ["fact-2", "fact-5"]
        assert (await store.receipt("acme", "request-1")) is not None
        assert [e.id for e in (await store.entities("acme", cursor=None, limit=9)).items] == ["bob", "alice"]
        version = known[0].version
        assert await store.write(ALICE, MemoryWrite((fact(6),))) == version + 1
        assert await store.erase(BOB) is not None
        difference = await store._writer.run(
            lambda conn: compare_metadata(MigrationContext.configure(conn), Stored.metadata)
        )
    assert difference == []
    assert rows(tmp_path, "SELECT * FROM message") == [row for row in before["message"] if row[1] != "bob"]
    assert len(rows(tmp_path, "SELECT * FROM event")) == len(before["event"]) - 1
    assert rows(tmp_path, "SELECT version_num FROM alembic_version") == [("0002",)]


async def test_the_database_is_for_its_owners_eyes_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    async with sqlite(folder) as store:
        await store.commit([turn("a")])
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_commits_are_durable_and_erasure_is_thorough(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as store:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1), ("auto_vacuum", 2)):
            told = await store._writer.run(lambda conn, p=pragma: conn.exec_driver_sql(f"PRAGMA {p}").scalar())
            assert (pragma, told) == (pragma, value)


async def test_history_triples_and_usage_are_kept(tmp_path: Path) -> None:
    event = Event("e1", "fact-1", "created", "said", None, "fact 1", NOON)
    triples = (Triple("t1", "Alice", "lives in", "Berlin", "fact-1"), Triple("t2", "Alice", "has", "a cat", "fact-2"))
    async with sqlite(tmp_path) as store:
        await store.write(ALICE, MemoryWrite((fact(1),), triples, (event,)))
        await store.commit([turn("a", usage=Usage("gpt", 3, 2**80))])
        assert rows(tmp_path, "SELECT tenant_id, entity_id, id, fact_id, action, before, after FROM event") == [
            ("acme", "alice", "e1", "fact-1", "created", None, "fact 1")
        ]
        assert rows(tmp_path, "SELECT model, prompt_tokens, completion_tokens FROM usage") == [("gpt", 3, 2**63 - 1)]
        await store.write(ALICE, MemoryWrite((fact(1, text="", state=FactState.FORGOTTEN),)))
    assert rows(tmp_path, "SELECT id FROM triple") == [("t2",)]
    assert rows(tmp_path, "SELECT 'tenant', id FROM tenant UNION SELECT 'process', id FROM process ORDER BY 1") == [
        ("process", "chat"),
        ("tenant", "acme"),
    ]


OPEN = """
import asyncio, sys
from pathlib import Path
from memproxy_sql import open_store
from memproxy.testing.store_samples import turn

async def main():
    async with open_store(url="sqlite:///memproxy.db", data_dir=Path(sys.argv[1])) as store:
        for n in range(int(sys.argv[2])):
            await store.commit([turn(f"{sys.argv[3]}-{n}")])
            print(f"{sys.argv[3]}-{n}", flush=True)
asyncio.run(main())
"""


async def other(folder: Path, commits: int, name: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", OPEN, str(folder), str(commits), name,
        env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_two_processes_may_start_at_once_on_a_new_file(tmp_path: Path) -> None:
    processes = [await other(tmp_path, 5, name) for name in "abc"]
    outcomes = await asyncio.gather(*(process.communicate() for process in processes))
    assert [(process.returncode, error) for process, (_, error) in zip(processes, outcomes, strict=True)] == [
        (0, b"")
    ] * 3
    async with sqlite(tmp_path) as store:
        assert sorted(await texts(store)) == sorted(f"{name}-{n}" for name in "abc" for n in range(5))


async def test_a_killed_process_loses_no_turn_it_had_committed(tmp_path: Path) -> None:
    process = await other(tmp_path, 100_000, "a")
    assert process.stdout is not None
    seen = [(await process.stdout.readline()).decode().strip() for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    rest, _ = await process.communicate()
    seen += rest.decode().split("\n")[:-1]
    async with sqlite(tmp_path) as store:
        page = await store.messages(ALICE, "s1", cursor=None, limit=100_000)
    stored = [message.text for message in page.items]
    assert stored[: len(seen)] == seen
    assert len(stored) - len(seen) <= 1


async def test_alembic_is_loaded_only_to_migrate(tmp_path: Path) -> None:
    async with sqlite(tmp_path):
        pass
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN + "\nsys.exit('alembic' in sys.modules)", str(tmp_path), "1", "a", env=ENVIRONMENT
    )
    assert await process.wait() == 0
