"""The store itself: which verb runs on which connection.

Every verb is a plain function of a connection, the same for each database; what opens and closes, and what erasing
takes beside deleting rows, is that of `sqlite.py` and `server.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Concatenate, ParamSpec, Protocol, Self, TypeVar

from sqlalchemy import Connection

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
from memproxy_sql import archive, facts, jobs, keys, memory, turns
from memproxy_sql.commit import commit as group_commit
from memproxy_sql.commit import enqueue as enqueue_jobs
from memproxy_sql.erase import erase as erase_rows
from memproxy_sql.export import export as export_rows
from memproxy_sql.restore import restore as restore_rows

P = ParamSpec("P")
T = TypeVar("T")


class Runner(Protocol):
    """Connections to one database."""

    async def run(self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in a transaction; what it raises undoes it."""
        ...


class SqlStore:
    """A `Store` in one database. Reads on the path of a request are apart from those of the background, so that
    loading a large memory delays no chat."""

    _writer: Runner
    _urgent: Runner

    async def __aenter__(self) -> Self:
        """Raises `ConfigError` where the database or its schema can never work, `StoreUnavailable` where it may."""
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _open(self) -> None:
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError

    async def check(self) -> None:
        raise NotImplementedError

    @property
    def _reader(self) -> Runner:
        """For the background."""
        raise NotImplementedError

    async def _wipe(self) -> None:
        """Leave no trace of what was erased."""

    async def _words_went(self) -> None:
        """Leave no trace of what was forgotten, where that is soon done."""

    async def _catch_up(self) -> None:
        """Do what could not be done then."""

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
            await self._words_went()
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
        await self._wipe()
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
        await self._catch_up()
        return await self._writer.run(jobs.prune, before)

    async def jobs(
        self, tenant: str, *, entity: str | None, states: Sequence[JobState], cursor: str | None, limit: int
    ) -> Page[Job]:
        return await self._reader.run(jobs.jobs, tenant, entity, states, cursor, limit)

    async def retry(self, tenant: str, job_id: str, *, now: datetime, entity: str | None = None) -> Job:
        return await self._writer.run(jobs.retry, tenant, job_id, now, entity)

    # Keys

    async def tenants(self) -> Sequence[str]:
        return await self._reader.run(keys.tenants)

    async def create_key(self, key: ApiKey) -> None:
        await self._writer.run(keys.create_key, key)

    async def find_key(self, key_id: str) -> ApiKey | None:
        return await self._urgent.run(keys.find_key, key_id)

    async def keys(self, tenant: str | None) -> Sequence[ApiKey]:
        return await self._reader.run(keys.keys, tenant)

    async def revoke_key(self, key_id: str, *, now: datetime) -> ApiKey:
        return await self._writer.run(keys.revoke_key, key_id, now)
