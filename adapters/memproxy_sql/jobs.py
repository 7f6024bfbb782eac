"""The verbs of `Jobs` and `JobBoard`: the queue in one table, claimed by its single writer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, exists, or_, select, true, update
from sqlalchemy import func as sql

from memproxy.domain import Job, JobState, Page, QueueDepth
from memproxy.errors import Conflict, NotFound
from memproxy_sql import cursors
from memproxy_sql.columns import clean, micros, moment
from memproxy_sql.models import tables
from memproxy_sql.rows import JOB_COLUMNS, Row, read_job

_job = tables["job"]
_other = _job.alias("other")
_columns = [_job.c[name] for name in JOB_COLUMNS]
_FREE: Row = {"worker": None, "lease_until": None}

_expire = (
    update(_job)
    .where(_job.c.state == JobState.RUNNING.value, _job.c.lease_until <= bindparam("now"))
    .values(state=JobState.PENDING.value, **_FREE)
)
_busy = exists().where(
    _other.c.tenant_id == _job.c.tenant_id,
    _other.c.entity_id == _job.c.entity_id,
    _other.c.state == JobState.RUNNING.value,
)
_next = (
    select(*_columns)
    .where(_job.c.state == JobState.PENDING.value, _job.c.run_at <= bindparam("now"), ~_busy)
    .order_by(_job.c.created_at, _job.c.id)
    .limit(1)
)
_one = (_job.c.tenant_id == bindparam("of_tenant")) & (_job.c.id == bindparam("of_id"))
# The number of the try fences off a worker that lost its lease and got the job back under the same name.
_mine = (
    _one
    & (_job.c.state == JobState.RUNNING.value)
    & (_job.c.worker == bindparam("of_worker"))
    & (_job.c.attempts == bindparam("of_attempts"))
)
_stored = select(*_columns).where(_one)
_depth = (
    select(_job.c.state, sql.count(), sql.min(_job.c.created_at))
    .where(_job.c.state != JobState.DONE.value)
    .group_by(_job.c.state)
)
_prune = delete(_job).where(_job.c.state == JobState.DONE.value, _job.c.finished_at < bindparam("before"))


def claim(conn: Connection, worker: str, limit: int, lease: float, now: datetime) -> list[Job]:
    conn.execute(_expire, {"now": micros(now)})
    claimed: list[Job] = []
    while len(claimed) < limit and (row := conn.execute(_next, {"now": micros(now)}).first()) is not None:
        job = read_job(row)
        until = now + timedelta(seconds=lease)
        taken = replace(job, state=JobState.RUNNING, worker=worker, lease_until=until, attempts=job.attempts + 1)
        _change(
            conn,
            _one,
            taken,
            state=taken.state.value,
            worker=worker,
            lease_until=micros(until),
            attempts=taken.attempts,
        )
        claimed.append(taken)
    return claimed


def extend(conn: Connection, job: Job, lease: float, now: datetime) -> bool:
    return _change(conn, _mine, job, lease_until=micros(now + timedelta(seconds=lease)))


def settle(conn: Connection, job: Job, now: datetime, error: str | None, retry_at: datetime | None) -> None:
    if error is None:
        _change(conn, _mine, job, state=JobState.DONE.value, finished_at=micros(now), error=None, **_FREE)
    elif retry_at is None:
        _change(conn, _mine, job, state=JobState.DEAD.value, finished_at=micros(now), error=clean(error), **_FREE)
    else:
        _change(conn, _mine, job, state=JobState.PENDING.value, run_at=micros(retry_at), error=clean(error), **_FREE)


def _change(conn: Connection, which: ColumnElement[bool], job: Job, **values: object) -> bool:
    """Whether there was such a job."""
    of = {"of_tenant": job.scope.tenant, "of_id": job.id, "of_worker": job.worker, "of_attempts": job.attempts}
    return conn.execute(update(_job).where(which).values(values), of).rowcount > 0


def depth(conn: Connection) -> QueueDepth:
    found = {state: (count, oldest) for state, count, oldest in conn.execute(_depth)}
    pending, oldest = found.get(JobState.PENDING, (0, None))
    running, _ = found.get(JobState.RUNNING, (0, None))
    dead, _ = found.get(JobState.DEAD, (0, None))
    return QueueDepth(pending, running, dead, None if oldest is None else moment(oldest))


def prune(conn: Connection, before: datetime) -> int:
    return conn.execute(_prune, {"before": micros(before)}).rowcount


def jobs(
    conn: Connection, tenant: str, entity: str | None, states: Sequence[JobState], cursor: str | None, limit: int
) -> Page[Job]:
    time, last_id = cursors.newest(cursor)
    asked = and_(
        _job.c.tenant_id == tenant,
        true() if entity is None else _job.c.entity_id == entity,
        _job.c.state.in_([state.value for state in states]) if states else true(),
    )
    older = or_(_job.c.created_at < time, and_(_job.c.created_at == time, _job.c.id < last_id))
    newest_first = select(*_columns).where(asked, older).order_by(_job.c.created_at.desc(), _job.c.id.desc())
    found = conn.execute(newest_first.limit(limit + 1)).all()
    total = conn.execute(select(sql.count()).select_from(_job).where(asked)).scalar_one()
    return cursors.page(found, limit, total, read=read_job, cursor=lambda row: f"{row.created_at} {row.id}")


def retry(conn: Connection, tenant: str, job_id: str, now: datetime) -> Job:
    row = conn.execute(_stored, {"of_tenant": tenant, "of_id": job_id}).first()
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    job = read_job(row)
    if job.state is not JobState.DEAD:
        raise Conflict(f"Job {job_id} is {job.state}; only a dead job can be retried.")
    _change(conn, _one, job, state=JobState.PENDING.value, attempts=0, run_at=micros(now), finished_at=None)
    return replace(job, state=JobState.PENDING, attempts=0, run_at=now, finished_at=None)
