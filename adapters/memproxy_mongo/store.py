"""The store itself: every verb, on one client of the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

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
    SchemaVersion,
    Scope,
    Session,
    Turn,
)
from memproxy.errors import ConfigError, StoreUnavailable
from memproxy_mongo import archive, facts, faults, jobs, keys, memory, schema, turns
from memproxy_mongo import commit as commits
from memproxy_mongo.driver import Database
from memproxy_mongo.export import export as export_rows
from memproxy_mongo.restore import restore as restore_rows
from memproxy_mongo.tails import Recent

_SWEEP = 10.0
"""Seconds between two looks for what writers that died have left: a job of theirs waits that long."""

_LEAVE = 5.0
"""Seconds to make what follows from the last turns, when the store is closed."""


def open_store(*, url: str, data_dir: Path) -> MongoStore:
    """The store that `url` names, not opened yet; it keeps nothing in `data_dir`. Raises `ConfigError`."""
    return MongoStore(url=url)


class MongoStore:
    """A `Store` in one database of a MongoDB server."""

    def __init__(self, *, url: str) -> None:
        self._url = url
        self._db = Database(url=url)
        self._recent = Recent()
        self._swept = 0.0
        self._following = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Raises `ConfigError` where the database can never work, `StoreUnavailable` where it may later."""
        db, self._db = self._db, Database(url=self._url)  # no verb runs before the schema is known
        try:
            with _hopeless():
                db.open()
                await schema.upgrade(db)
                await commits.sweep(db)
        except BaseException:
            db.close()
            raise
        finally:
            self._db = db
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            async with asyncio.timeout(_LEAVE):
                await self._follow()
        except (StoreUnavailable, TimeoutError):
            pass  # whoever sweeps makes it
        finally:
            self._db.close()

    async def versions(self) -> Sequence[SchemaVersion]:
        try:
            with _hopeless():
                self._db.open()
                return await schema.versions(self._db)
        finally:
            self._db.close()

    async def check(self) -> None:
        await schema.touch(self._db)

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
        return await turns.look(self._db, self._recent, scope, session, keys, pairs, ids)

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        return await commits.commit(self._db, self._recent, turns)

    async def messages(self, scope: Scope, session: str, *, cursor: str | None, limit: int) -> Page[Message]:
        return await turns.messages(self._db, scope, session, cursor, limit)

    async def unaugmented(self, scope: Scope, session: str, *, limit: int) -> Sequence[Message]:
        return await turns.unaugmented(self._db, scope, session, limit)

    async def sessions(self, scope: Scope, *, cursor: str | None, limit: int) -> Page[Session]:
        return await turns.sessions(self._db, scope, cursor, limit)

    # Memory

    async def changes(self, scope: Scope, *, since: int) -> Changes:
        return await memory.changes(self._db, scope, since)

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        return await memory.write(self._db, scope, change)

    async def about(
        self, scope: Scope, *, attributes: Sequence[str], statements: Sequence[tuple[str, str]]
    ) -> Sequence[Fact]:
        return await facts.about(self._db, scope, attributes, statements)

    async def fetch(self, scope: Scope, ids: Sequence[str]) -> Sequence[Fact]:
        return await facts.fetch(self._db, scope, ids)

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
        return await facts.facts(self._db, scope, states, kinds, text, cursor, limit)

    async def history(self, scope: Scope, fact_id: str) -> Sequence[Event]:
        return await facts.history(self._db, scope, fact_id)

    # Archive

    async def entities(self, tenant: str, *, cursor: str | None, limit: int) -> Page[Entity]:
        return await archive.entities(self._db, tenant, cursor, limit)

    async def entity(self, scope: Scope) -> Entity | None:
        return await archive.entity(self._db, scope)

    async def erase(self, scope: Scope) -> Entity | None:
        self._recent.drop((scope.tenant, scope.entity))
        await self._follow()
        return await archive.erase(self._db, scope)

    async def export(self, scope: Scope, *, cursor: str | None, limit: int) -> Page[Kept]:
        return await export_rows(self._db, scope, cursor, limit)

    async def restore(self, scope: Scope, rows: Sequence[Kept]) -> int:
        return await restore_rows(self._db, self._recent, scope, rows)

    async def receipt(self, tenant: str, request_id: str) -> Receipt | None:
        return await archive.receipt(self._db, tenant, request_id)

    # Jobs and JobBoard

    async def enqueue(self, jobs: Sequence[Job]) -> None:
        await commits.enqueue(self._db, jobs)

    async def claim(self, *, worker: str, limit: int, lease: float, now: datetime) -> Sequence[Job]:
        if time.monotonic() - self._swept > _SWEEP:
            await self._follow_all()
            self._swept = time.monotonic()
        else:
            await self._follow()
        return await jobs.claim(self._db, worker, limit, lease, now)

    async def _follow(self) -> None:
        """Make what follows from the turns that were committed here: their jobs are queued then."""
        async with self._following:
            await commits.follow_up(self._db, self._recent.to_follow())

    async def _follow_all(self) -> None:
        """The same of the turns of all, so that every job there is to be is queued."""
        await self._follow()
        await commits.sweep(self._db)

    async def extend(self, job: Job, *, lease: float, now: datetime) -> bool:
        return await jobs.extend(self._db, job, lease, now)

    async def settle(
        self, job: Job, *, now: datetime, error: str | None = None, retry_at: datetime | None = None
    ) -> None:
        await jobs.settle(self._db, job, now, error, retry_at)

    async def depth(self) -> QueueDepth:
        await self._follow_all()
        return await jobs.depth(self._db)

    async def prune(self, *, before: datetime) -> int:
        await archive.sweep(self._db)
        return await jobs.prune(self._db, before)

    async def jobs(
        self, tenant: str, *, entity: str | None, states: Sequence[JobState], cursor: str | None, limit: int
    ) -> Page[Job]:
        await self._follow_all()
        return await jobs.jobs(self._db, tenant, entity, states, cursor, limit)

    async def retry(self, tenant: str, job_id: str, *, now: datetime, entity: str | None = None) -> Job:
        await self._follow_all()
        return await jobs.retry(self._db, tenant, job_id, now, entity)

    # Keys

    async def tenants(self) -> Sequence[str]:
        return await keys.tenants(self._db)

    async def create_key(self, key: ApiKey) -> None:
        await keys.create_key(self._db, key)

    async def find_key(self, key_id: str) -> ApiKey | None:
        return await keys.find_key(self._db, key_id)

    async def keys(self, tenant: str | None) -> Sequence[ApiKey]:
        return await keys.keys(self._db, tenant)

    async def revoke_key(self, key_id: str, *, now: datetime) -> ApiKey:
        return await keys.revoke_key(self._db, key_id, now)


@contextmanager
def _hopeless() -> Iterator[None]:
    """Raises `ConfigError` for what waiting does not mend."""
    try:
        yield
    except StoreUnavailable as error:
        if faults.code(error.__cause__) in faults.REFUSED:
            raise ConfigError(str(error), param="store") from error
        raise
