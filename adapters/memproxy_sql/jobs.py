"""The verbs of `Jobs` and `JobBoard`: the queue in one table.

Where a database has several writers, each claims rows that no other has locked. Two may still claim two jobs of one
entity at once: the index of running jobs refuses the second, and `claim` is tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection, and_, bindparam, delete, exists, literal_column, or_, select, true, update
from sqlalchemy import func as sql

from memproxy.domain import Job, JobState, Page, QueueDepth
from memproxy.errors import Conflict, NotFound
from memproxy.storable import micros, moment
from memproxy_sql import cursors
from memproxy_sql.models import tables
from memproxy_sql.prepared import Prepared
from memproxy_sql.rows import JOB_COLUMNS, Row, job_row, read_job

_job = tables["job"]
_other = _job.alias("other")
_columns = [_job.c[name] for name in JOB_COLUMNS]

_expire = Prepared(
    update(_job)
    .where(_job.c.state == JobState.RUNNING.value, _job.c.lease_until <= bindparam("now"))
    .values(state=JobState.PENDING.value, worker=None, lease_until=None)
)
_busy = exists().where(
    _other.c.tenant_id == _job.c.tenant_id,
    _other.c.entity_id == _job.c.entity_id,
    _other.c.state == literal_column("'running'"),  # spelt out, for the index that holds only these
)
_one = (_job.c.tenant_id == bindparam("of_tenant")) & (_job.c.id == bindparam("of_id"))
_stored = Prepared(select(*_columns).where(_one).with_for_update())
_changing = ("run_at", "state", "attempts", "lease_until", "worker", "error", "finished_at")
_change = Prepared(update(_job).where(_one).values({name: bindparam(name) for name in _changing}))
_depth = Prepared(
    select(_job.c.state, sql.count(), sql.min(_job.c.created_at))
    .where(_job.c.state.in_([literal_column(f"'{state}'") for state in JobState if state is not JobState.DONE]))
    .group_by(_job.c.state)
)
_settle = Prepared(
    update(_job)
    .where(
        _one,
        _job.c.state == JobState.RUNNING.value,
        _job.c.worker == bindparam("of_worker"),
        _job.c.attempts == bindparam("of_attempts"),
    )
    .values({name: bindparam(name) for name in _changing})
)
_prune = Prepared(delete(_job).where(_job.c.state == JobState.DONE.value, _job.c.finished_at < bindparam("before")))


def claim(conn: Connection, worker: str, limit: int, lease: float, now: datetime) -> list[Job]:
    _expire.apply(conn, {"now": micros(now)})
    until = now + timedelta(seconds=lease)
    claimed: list[Job] = []
    while len(claimed) < limit:
        wanted = limit - len(claimed)
        due = list(map(read_job, _due(wanted).rows(conn, {"now": micros(now)})))
        first: dict[tuple[str, str], Job] = {}
        for job in due:
            first.setdefault((job.scope.tenant, job.scope.entity), job)
        running = [
            replace(job, state=JobState.RUNNING, worker=worker, lease_until=until, attempts=job.attempts + 1)
            for job in first.values()
        ]
        _change.each(conn, [job_row(job) | _name(job) for job in running])
        claimed += running
        if len(due) < wanted:
            break
    return claimed


@cache
def _due(limit: int) -> Prepared:
    """The oldest jobs of entities that have none running. The limit is spelt out, for the planner."""
    return Prepared(
        select(*_columns)
        .where(_job.c.state == JobState.PENDING.value, _job.c.run_at <= bindparam("now"), ~_busy)
        .order_by(_job.c.created_at, _job.c.id)
        .limit(literal_column(str(limit)))
        .with_for_update(skip_locked=True)
    )


def extend(conn: Connection, job: Job, lease: float, now: datetime) -> bool:
    mine = _held(conn, job)
    if mine is not None:
        _put(conn, replace(mine, lease_until=now + timedelta(seconds=lease)))
    return mine is not None


def settle(conn: Connection, job: Job, now: datetime, error: str | None, retry_at: datetime | None) -> None:
    """Where `job` is still the try that runs: the number of the attempt fences off a worker that lost its lease and got
    the job back under the same name."""
    freed = replace(job, worker=None, lease_until=None, error=error)
    if error is None:
        ended = replace(freed, state=JobState.DONE, finished_at=now)
    elif retry_at is None:
        ended = replace(freed, state=JobState.DEAD, finished_at=now)
    else:
        ended = replace(freed, state=JobState.PENDING, run_at=retry_at)
    held = {"of_worker": job.worker, "of_attempts": job.attempts}
    _settle.apply(conn, job_row(ended) | _name(job) | held)


def _held(conn: Connection, job: Job) -> Job | None:
    """The stored job where `job` is still the try that runs."""
    stored = _get(conn, job.scope.tenant, job.id)
    if stored is None or stored.state is not JobState.RUNNING:
        return None
    return stored if (stored.worker, stored.attempts) == (job.worker, job.attempts) else None


def _get(conn: Connection, tenant: str, job_id: str) -> Job | None:
    row = _stored.first(conn, {"of_tenant": tenant, "of_id": job_id})
    return None if row is None else read_job(row)


def _put(conn: Connection, job: Job) -> Job:
    _change.apply(conn, job_row(job) | _name(job))
    return job


def _name(job: Job) -> Row:
    return {"of_tenant": job.scope.tenant, "of_id": job.id}


def depth(conn: Connection) -> QueueDepth:
    found = {state: (count, oldest) for state, count, oldest in _depth.rows(conn, {})}
    pending, oldest = found.get(JobState.PENDING, (0, None))
    running, _ = found.get(JobState.RUNNING, (0, None))
    dead, _ = found.get(JobState.DEAD, (0, None))
    return QueueDepth(pending, running, dead, None if oldest is None else moment(oldest))


def prune(conn: Connection, before: datetime) -> int:
    return _prune.apply(conn, {"before": micros(before)})


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


def retry(conn: Connection, tenant: str, job_id: str, now: datetime, entity: str | None) -> Job:
    job = _get(conn, tenant, job_id)
    if job is None or entity not in (None, job.scope.entity):
        raise NotFound(f"There is no job {job_id}.")
    if job.state is not JobState.DEAD:
        raise Conflict(f"Job {job_id} is {job.state}; only a dead job can be retried.")
    return _put(conn, replace(job, state=JobState.PENDING, attempts=0, run_at=now, finished_at=None))
