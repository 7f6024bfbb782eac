"""One SQLite connection with a thread of its own, on which each verb runs as a whole.

SQLAlchemy's asyncio engine hands every statement to aiosqlite's thread and back, which for a verb of eight statements
costs more than the statements. So a verb is a plain function of a SQLAlchemy connection, and the connection lives on
aiosqlite's thread: one hop per verb, one transaction per verb, and verbs of one connection never interleave. A
database with a truly asynchronous driver runs the same functions through `AsyncConnection.run_sync`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from memproxy.errors import StoreUnavailable
from memproxy_sql import dialect, faults, schema

_POLL = 0.001
"""Seconds between two tries to become the writer. SQLite's own grow to 0.1, and so it hardly ever meets the moment
between two commits of another process that is busy: of eight such, most give up after five seconds."""

P = ParamSpec("P")
T = TypeVar("T")


class _Thread(aiosqlite.Connection):
    """aiosqlite's thread, taught to run a whole function."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The thread holds on to the last function it ran, and to what came of it, until it has the next one to do;
        so that it holds nobody's words, both go through a place that is empty afterwards."""
        through: list[Any] = [work]

        def pass_through() -> None:
            try:
                through[:] = [through.pop()(self._conn), None]
            except BaseException as error:  # noqa: BLE001 raised where it is awaited
                through[:] = [None, error]

        await self._execute(pass_through)  # type: ignore[no-untyped-call]
        result, error = through
        through.clear()
        if error is not None:
            raise error
        done: T = result
        return done


class SqliteConnection:
    """Runs verbs in transactions of one kind: `BEGIN` for a reader, which then sees one state of the database however
    many statements it takes, `BEGIN IMMEDIATE` for the writer, which then never has to give up half-way."""

    def __init__(
        self,
        *,
        file: Path,
        begin: Literal["BEGIN", "BEGIN IMMEDIATE"],
        pragmas: Sequence[str],
        patience: float | None = None,
    ) -> None:
        """`patience`: seconds to try to begin; None leaves the waiting to SQLite."""
        self._patience = patience
        self._file = file
        self._begin = begin
        self._pragmas = pragmas
        self._thread: _Thread | None = None
        self._engine: Engine | None = None
        self._sql: Connection | None = None
        self._inode = 0

    async def open(self) -> None:
        """Raises `StoreUnavailable`, and leaves nothing open then."""
        thread = _Thread(self._connect, iter_chunk_size=64)
        try:
            await thread
            self._thread = thread
            await thread.run(self._wrap)
        except faults.DRIVER as error:
            await self.close()
            raise faults.translated(error, self._file) from error

    async def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            await thread.run(self._unwrap)
            await thread.close()

    async def run(self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in a transaction; what it raises undoes it. A verb that has begun runs to its end, even where
        its caller was cancelled."""
        return await self._on_thread(lambda raw: self._transact(raw, lambda conn: verb(conn, *args, **kwargs)))

    async def set_up(self, verb: Callable[[Connection], None], *, first: Sequence[str], patience: float) -> None:
        """Run statements outside of any transaction and then a verb, all under the lock of the schema."""

        def work(raw: sqlite3.Connection) -> None:
            with schema.lock(self._file, patience=patience):
                for statement in first:
                    raw.execute(statement)
                self._transact(raw, verb)

        await self._on_thread(work)

    async def _on_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._thread is None:
            raise StoreUnavailable("The store is not open.")
        try:
            return await self._thread.run(work)
        except faults.DRIVER as error:
            raise faults.translated(error, self._file) from error

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, isolation_level=None, cached_statements=256)

    def _wrap(self, raw: sqlite3.Connection) -> None:
        for pragma in self._pragmas:
            raw.execute(pragma)
        dialect.equip(raw)
        raw.execute("SELECT count(*) FROM sqlite_master")  # opening a file reads nothing of it
        # `hide_parameters`: no stored text in errors and logs.
        self._engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool, hide_parameters=True)
        self._sql = self._engine.connect()
        self._inode = os.stat(self._file).st_ino
        if self._patience is not None:
            raw.execute("PRAGMA busy_timeout = 0")

    def _unwrap(self, raw: sqlite3.Connection) -> None:
        if self._sql is not None:
            self._sql.close()
        if self._engine is not None:
            self._engine.dispose()

    def _transact(self, raw: sqlite3.Connection, verb: Callable[[Connection], T]) -> T:
        conn = self._sql
        assert conn is not None
        self._check_file()
        self._begin_with(raw)
        try:
            result = verb(conn)
            conn.commit()  # for SQLAlchemy, where the verb went through it …
            raw.commit()  # … and for the driver, where it did not
        except BaseException:
            conn.rollback()
            raw.rollback()
            raise
        return result

    def _begin_with(self, raw: sqlite3.Connection) -> None:
        until = time.monotonic() + (self._patience or 0)
        while True:
            try:
                raw.execute(self._begin)
                return
            except sqlite3.OperationalError as error:
                if faults.kind(error) != "SQLITE_BUSY" or time.monotonic() > until:
                    raise
            time.sleep(_POLL)

    def _check_file(self) -> None:
        """SQLite goes on writing to a file that was deleted or replaced, and all of that would be lost."""
        try:
            inode = os.stat(self._file).st_ino
        except FileNotFoundError:
            inode = None
        if inode != self._inode:
            raise StoreUnavailable(
                f"The database {self._file} was moved or deleted while it was open; restart memproxy."
            )
