"""Whatever happens to the database, callers see memproxy's own errors, which say what to do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import exc
from sqlalchemy.engine import Connection

from memproxy.domain import MemoryWrite
from memproxy.errors import BadRequest, ConfigError, Conflict, MemproxyError, StoreUnavailable
from memproxy.testing.store_contract_turns import look, texts
from memproxy.testing.store_samples import ALICE, fact, turn
from memproxy_sql import SqlStore, faults, open_store

FILE = Path("/data/memproxy.db")
SECRET = "the diagnosis is confidential"


def sqlite(folder: Path) -> SqlStore:
    return open_store(url="sqlite:///{data_dir}/memproxy.db", data_dir=folder, busy_timeout=0.05)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with sqlite(tmp_path) as store:
        yield store


def family(root: type[BaseException]) -> list[type[BaseException]]:
    return [root, *(kind for child in root.__subclasses__() for kind in family(child))]


@pytest.mark.parametrize("kind", [*family(sqlite3.Error), sqlite3.Warning], ids=lambda kind: kind.__name__)
def test_every_error_of_the_driver_is_mapped(kind: type[Exception]) -> None:
    bare = kind(SECRET)
    wrapped = exc.DBAPIError("INSERT", {"text": SECRET}, bare)
    assert issubclass(kind, faults.DRIVER)
    for error in (bare, wrapped):
        told = faults.translated(error, FILE)
        assert isinstance(told, Conflict if kind is sqlite3.IntegrityError else StoreUnavailable)
        assert SECRET not in str(told)


@pytest.mark.parametrize("kind", family(exc.SQLAlchemyError), ids=lambda kind: kind.__name__)
def test_every_error_of_sqlalchemy_is_mapped(kind: type[Exception]) -> None:
    assert issubclass(kind, faults.DRIVER)
    assert isinstance(faults.translated(kind.__new__(kind), FILE), MemproxyError)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SQLITE_BUSY", "locked by another process"),
        ("SQLITE_BUSY_SNAPSHOT", "locked by another process"),
        ("SQLITE_FULL", "disk is full"),
        ("SQLITE_READONLY_DBMOVED", "cannot be written"),
        ("SQLITE_IOERR_FSYNC", "disk reports an error"),
        ("SQLITE_CORRUPT_INDEX", "restore a backup"),
        ("SQLITE_CANTOPEN", "folder exists"),
        ("SQLITE_NOTADB", "not a database"),
        ("SQLITE_TOOBIG", "text or a number that is this large"),
    ],
)
def test_a_failure_is_told_with_its_remedy(name: str, told: str) -> None:
    error = sqlite3.OperationalError(SECRET)
    error.sqlite_errorname = name
    assert told in str(faults.translated(error, FILE))
    assert str(FILE) in str(faults.translated(error, FILE))


async def test_a_database_locked_by_another_is_unavailable_until_it_is_free(store: SqlStore, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "memproxy.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for verb in (store.commit([turn("a")]), store.check()):
        with pytest.raises(StoreUnavailable, match="locked"):
            await verb
    assert await texts(store) == []
    other.execute("ROLLBACK")
    other.close()
    await store.check()
    assert [c.added for c in await store.commit([turn("a")])] == [1]


async def test_nobody_who_writes_keeps_a_reader_waiting(store: SqlStore, tmp_path: Path) -> None:
    await store.commit([turn("a")])
    other = sqlite3.connect(tmp_path / "memproxy.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert (await look(store, "a")).session == "s1"
    other.close()


async def test_a_full_disk_loses_only_what_did_not_fit(store: SqlStore) -> None:
    await store.commit([turn("a")])
    await store._writer.run(_limit_pages, extra=8)
    with pytest.raises(StoreUnavailable, match="full"):
        await store.commit([turn("x" * 1_000_000)])
    assert await texts(store) == ["a"]
    await store._writer.run(_limit_pages, extra=10_000)
    await store.commit([turn("b")])
    assert await texts(store) == ["a", "b"]


def _limit_pages(conn: Connection, extra: int) -> None:
    pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
    conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + extra}")


async def test_a_read_only_database_is_unavailable(store: SqlStore) -> None:
    await store._writer.run(lambda conn: conn.exec_driver_sql("PRAGMA query_only = ON").close())
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await store.commit([turn("a")])


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
async def test_nothing_is_written_to_a_file_that_is_gone(store: SqlStore, tmp_path: Path, replaced: bool) -> None:
    file = tmp_path / "memproxy.db"
    file.rename(tmp_path / "elsewhere.db")
    if replaced:
        file.touch()
    for verb in (store.commit([turn("a")]), store.check(), look(store, "a")):
        with pytest.raises(StoreUnavailable, match="restart memproxy"):
            await verb


async def test_a_damaged_database_is_unavailable(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as store:
        await store.commit([turn(*(f"m{n}" for n in range(200)))])
    file = tmp_path / "memproxy.db"
    content = bytearray(file.read_bytes())
    content[40960:] = os.urandom(len(content) - 40960)
    file.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="damaged"):
        async with sqlite(tmp_path) as store:
            await texts(store)


async def test_a_store_that_is_not_open_is_unavailable(tmp_path: Path) -> None:
    store = sqlite(tmp_path)
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.check()
    async with store:
        await store.check()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.check()


async def test_what_no_column_holds_is_refused_and_undone(store: SqlStore) -> None:
    with pytest.raises(BadRequest):
        await store.write(ALICE, MemoryWrite((fact(1), fact(2, tokens=2**70))))
    assert (await store.changes(ALICE, since=0)).facts == ()


async def test_reading_with_an_id_that_nobody_has_is_a_bad_request(store: SqlStore) -> None:
    with pytest.raises(BadRequest):
        await store.messages(ALICE, "\ud83d", cursor=None, limit=1)


async def test_a_file_that_is_not_a_database_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "memproxy.db").write_text("Dear diary, " * 100)
    with pytest.raises(ConfigError, match=r"memproxy\.db is not a database; move it away"):
        await sqlite(tmp_path).__aenter__()
    assert (tmp_path / "memproxy.db").read_text().startswith("Dear diary")


async def test_a_folder_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file/memproxy\.db cannot be written .* Check the folder"):
        await sqlite(tmp_path / "file").__aenter__()


async def test_a_folder_in_place_of_the_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "memproxy.db").mkdir()
    with pytest.raises(ConfigError, match=r"memproxy\.db cannot be written"):
        await sqlite(tmp_path).__aenter__()


async def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "memproxy.db")
    other.execute("CREATE TABLE recipes (name)")
    other.close()
    with pytest.raises(ConfigError, match="another program"):
        await sqlite(tmp_path).__aenter__()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "postgresql://host", "oracle://host/db", "memproxy.db", ""]
)
def test_a_url_that_names_no_file_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        open_store(url=url, data_dir=tmp_path)
    assert refusal.value.param == "store"
