"""The store in one SQLite file: one writer, and readers beside it, so that no read waits for the disk of a commit."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, NullPool, create_engine

from memproxy.domain import SchemaVersion
from memproxy.errors import ConfigError, StoreUnavailable
from memproxy_sql import dialect, faults, schema
from memproxy_sql.connection import SqliteConnection
from memproxy_sql.store import SqlStore
from memproxy_sql.wiping import Wiper

_SETUP_PATIENCE = 60.0
"""Seconds to wait for another process that sets up the same database; a large migration takes a while."""

_NEVER = {"SQLITE_NOTADB", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM"}
"""Failures to open that waiting does not mend: a setting is wrong."""


def sqlite_store(*, url: URL, data_dir: Path, busy_timeout: float, readers: int) -> SqliteStore:
    if url.database in (None, "", ":memory:"):
        raise ConfigError("The store needs a file, such as sqlite:////path/memproxy.db.", param="store")
    return SqliteStore(file=data_dir / str(url.database), busy_timeout=busy_timeout, readers=readers)


class SqliteStore(SqlStore):
    """A `Store` in one SQLite file."""

    def __init__(self, *, file: Path, busy_timeout: float, readers: int) -> None:
        self._pragmas = pragmas = dialect.pragmas(busy_timeout=busy_timeout)
        self._file = file
        self._writer: SqliteConnection = SqliteConnection(
            file=file, begin="BEGIN IMMEDIATE", pragmas=pragmas, patience=busy_timeout
        )
        self._urgent: SqliteConnection = SqliteConnection(file=file, begin="BEGIN", pragmas=pragmas)
        self._readers = [SqliteConnection(file=file, begin="BEGIN", pragmas=pragmas) for _ in range(max(1, readers))]
        self._wiper = Wiper(file=file, patience=busy_timeout)
        self._turn = 0

    async def versions(self) -> Sequence[SchemaVersion]:
        with _hopeless():
            return await asyncio.to_thread(_versions, self._file)

    async def _open(self) -> None:
        with _hopeless():
            _create(self._file)
            await self._set_up()
            for connection in (self._writer, self._urgent, *self._readers):
                await connection.open()

    async def _set_up(self) -> None:
        """On a connection of its own: no verb runs before the schema is known."""
        first = SqliteConnection(file=self._file, begin="BEGIN IMMEDIATE", pragmas=self._pragmas)
        await first.open()
        try:
            upgrade = partial(schema.upgrade, name=self._file)
            await first.set_up(upgrade, first=dialect.FIRST, patience=_SETUP_PATIENCE)
        finally:
            await first.close()

    async def _close(self) -> None:
        await self._wiper.close()
        for connection in (*self._readers, self._urgent, self._writer):
            await connection.close()

    @property
    def _reader(self) -> SqliteConnection:
        self._turn = (self._turn + 1) % len(self._readers)
        return self._readers[self._turn]

    async def check(self) -> None:
        await self._writer.run(_nothing)

    async def _wipe(self) -> None:
        await self._wiper.wipe()

    async def _words_went(self) -> None:
        await self._wiper.attempt()

    async def _catch_up(self) -> None:
        await self._wiper.catch_up()


@contextmanager
def _hopeless() -> Iterator[None]:
    """Raises `ConfigError` for what waiting does not mend."""
    try:
        yield
    except StoreUnavailable as error:
        if faults.kind(error.__cause__) in _NEVER:
            raise ConfigError(str(error), param="store") from error
        raise


def _versions(file: Path) -> list[SchemaVersion]:
    """Reading a file whose log is gone, SQLite would make a new log, unless told that nobody writes to it."""
    if not file.exists():
        return schema.versions(None, file)
    how = "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "immutable=1"
    uri = f"file:{quote(str(file.absolute()))}?{how}"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool)
    try:
        with engine.connect() as conn:
            return schema.versions(conn, file)
    except faults.DRIVER as error:
        raise faults.translated(error, file) from error
    finally:
        engine.dispose()


def _nothing(conn: Connection) -> None:
    """A transaction that could have written."""


def _create(file: Path) -> None:
    """Make the file and its folder, for their owner's eyes only; SQLite gives its log the rights of the file."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigError(
            f"The database {file} cannot be written ({error.strerror}). Check the folder, or name another file in the "
            "setting `store`.",
            param="store",
        ) from error
