"""The store itself: which verb runs on which connection.

One writer, and readers beside it, so that no read waits for the disk of a commit. The readers on the path of a
request are apart from those of the background, so that loading a large memory delays no chat.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError

from memproxy.domain import (
    ApiKey,
    Changes,
    Committed,
    Entity,
    Event,
    Fact,
    FactState,
    Job,
    JobState,
    Kept,
    Known,
    MemoryWrite,
    Message,
    Page,
    QueueDepth,
    Receipt,
    Scope,
    Session,
    Turn,
)
from memproxy.errors import ConfigError, StoreUnavailable
from memproxy_sql import archive, dialect, facts, faults, jobs, keys, memory, schema, turns
from memproxy_sql.commit import commit as group_commit
from memproxy_sql.commit import enqueue as enqueue_jobs
from memproxy_sql.connection import SqliteConnection
from memproxy_sql.erase import erase as erase_rows
from memproxy_sql.export import export as export_rows
from memproxy_sql.restore import restore as restore_rows
from memproxy_sql.wiping import Wiper

_SETUP_PATIENCE = 60.0
"""Seconds to wait for another process that sets up the same database; a large migration takes a while."""

_NEVER = {"SQLITE_NOTADB", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM"}
"""Failures to open that waiting does not mend: a setting is wrong."""


def open_store(*, url: str, data_dir: Path, busy_timeout: float = 5.0, readers: int = 2) -> SqlStore:
    """The store that `url` names, not opened yet. `{data_dir}` in it stands for the data directory, under which
    relative paths are too. `busy_timeout`: seconds to wait for another process that writes; `readers`: connections
    for background reads. Raises `ConfigError`."""
    return SqlStore(file=_file(url, data_dir), busy_timeout=busy_timeout, readers=readers)


def _file(url: str, data_dir: Path) -> Path:
    try:
        parsed = make_url(url.replace("{data_dir}", str(data_dir)))
    except ArgumentError as error:
        raise ConfigError(
            "The setting `store` is not a URL such as sqlite:////path/memproxy.db.", param="store"
        ) from error
    if parsed.get_backend_name() != "sqlite":
        raise ConfigError(f"This store speaks to SQLite, not to {parsed.get_backend_name()}.", param="store")
    if parsed.database in (None, "", ":memory:"):
        raise ConfigError("The store needs a file, such as sqlite:////path/memproxy.db.", param="store")
    return data_dir / str(parsed.database)


class SqlStore:
    """A `Store` in one SQLite file."""

    def __init__(self, *, file: Path, busy_timeout: float, readers: int) -> None:
        pragmas = dialect.pragmas(busy_timeout=busy_timeout)
        self._file = file
        self._writer = SqliteConnection(file=file, begin="BEGIN IMMEDIATE", pragmas=pragmas)
        self._urgent = SqliteConnection(file=file, begin="BEGIN", pragmas=pragmas)
        self._readers = [SqliteConnection(file=file, begin="BEGIN", pragmas=pragmas) for _ in range(max(1, readers))]
        self._wiper = Wiper(file=file, patience=busy_timeout)
        self._turn = 0

    async def __aenter__(self) -> Self:
        """Raises `ConfigError` where the file or its schema can never work, `StoreUnavailable` where it may later."""
        try:
            await self._open()
        except StoreUnavailable as error:
            await self._close()
            if faults.kind(error.__cause__) in _NEVER:
                raise ConfigError(str(error), param="store") from error
            raise
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _open(self) -> None:
        _create(self._file)
        await self._writer.open()
        upgrade = partial(schema.upgrade, file=self._file)
        await self._writer.set_up(upgrade, first=dialect.FIRST, patience=_SETUP_PATIENCE)
        for reader in (self._urgent, *self._readers):
            await reader.open()

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

    # Turns

    async def look(
        self,
        scope: Scope,
        *,
        session: str | None,
        keys: Sequence[bytes],
        pairs: Sequence[bytes],
        ids: Sequence[str] = (),
    ) -> Known:
        return await self._urgent.run(turns.look, scope, session, keys, pairs, ids)

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        return await self._writer.run(group_commit, turns) if turns else []

    async def messages(self, scope: Scope, session: str, *, cursor: str | None, limit: int) -> Page[Message]:
        return await self._reader.run(turns.messages, scope, session, cursor, limit)

    async def unaugmented(self, scope: Scope, session: str, *, limit: int) -> Sequence[Message]:
        return await self._reader.run(turns.unaugmented, scope, session, limit)

    async def sessions(self, scope: Scope, *, cursor: str | None, limit: int) -> Page[Session]:
        return await self._reader.run(turns.sessions, scope, cursor, limit)

    # Memory

    async def changes(self, scope: Scope, *, since: int) -> Changes:
        return await self._reader.run(memory.changes, scope, since)

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        version, words_went = await self._writer.run(memory.write, scope, change)
        if words_went:
            await self._wiper.attempt()
        return version

    async def about(
        self, scope: Scope, *, attributes: Sequence[str], statements: Sequence[tuple[str, str]]
    ) -> Sequence[Fact]:
        return await self._reader.run(facts.about, scope, attributes, statements)

    async def fetch(self, scope: Scope, ids: Sequence[str]) -> Sequence[Fact]:
        return await self._reader.run(facts.fetch, scope, ids)

    async def facts(
        self,
        scope: Scope,
        *,
        states: Sequence[FactState],
        kinds: Sequence[str],
        text: str | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Fact]:
        return await self._reader.run(facts.facts, scope, states, kinds, text, cursor, limit)

    async def history(self, scope: Scope, fact_id: str) -> Sequence[Event]:
        return await self._reader.run(facts.history, scope, fact_id)

    # Archive

    async def entities(self, tenant: str, *, cursor: str | None, limit: int) -> Page[Entity]:
        return await self._reader.run(archive.entities, tenant, cursor, limit)

    async def entity(self, scope: Scope) -> Entity | None:
        return await self._reader.run(archive.entity, scope)

    async def erase(self, scope: Scope) -> Entity | None:
        erased = await self._writer.run(erase_rows, scope)
        await self._wiper.wipe()
        return erased

    async def export(self, scope: Scope, *, cursor: str | None, limit: int) -> Page[Kept]:
        return await self._reader.run(export_rows, scope, cursor, limit)

    async def restore(self, scope: Scope, rows: Sequence[Kept]) -> int:
        return await self._writer.run(restore_rows, scope, rows)

    async def receipt(self, tenant: str, request_id: str) -> Receipt | None:
        return await self._reader.run(archive.receipt, tenant, request_id)

    # Jobs and JobBoard

    async def enqueue(self, jobs: Sequence[Job]) -> None:
        await self._writer.run(enqueue_jobs, jobs)

    async def claim(self, *, worker: str, limit: int, lease: float, now: datetime) -> Sequence[Job]:
        return await self._writer.run(jobs.claim, worker, limit, lease, now)

    async def extend(self, job: Job, *, lease: float, now: datetime) -> bool:
        return await self._writer.run(jobs.extend, job, lease, now)

    async def settle(
        self, job: Job, *, now: datetime, error: str | None = None, retry_at: datetime | None = None
    ) -> None:
        await self._writer.run(jobs.settle, job, now, error, retry_at)

    async def depth(self) -> QueueDepth:
        return await self._reader.run(jobs.depth)

    async def prune(self, *, before: datetime) -> int:
        await self._wiper.catch_up()
        return await self._writer.run(jobs.prune, before)

    async def jobs(
        self, tenant: str, *, entity: str | None, states: Sequence[JobState], cursor: str | None, limit: int
    ) -> Page[Job]:
        return await self._reader.run(jobs.jobs, tenant, entity, states, cursor, limit)

    async def retry(self, tenant: str, job_id: str, *, now: datetime, entity: str | None = None) -> Job:
        return await self._writer.run(jobs.retry, tenant, job_id, now, entity)

    # Keys

    async def create_key(self, key: ApiKey) -> None:
        await self._writer.run(keys.create_key, key)

    async def find_key(self, key_id: str) -> ApiKey | None:
        return await self._urgent.run(keys.find_key, key_id)

    async def keys(self, tenant: str | None) -> Sequence[ApiKey]:
        return await self._reader.run(keys.keys, tenant)

    async def revoke_key(self, key_id: str, *, now: datetime) -> ApiKey:
        return await self._writer.run(keys.revoke_key, key_id, now)


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
