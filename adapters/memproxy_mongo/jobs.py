"""The verbs of `Jobs` and `JobBoard`: a document per job, claimed by one atomic update.

A running job holds its entity's place in a unique index (`busy`), so that no two of one entity run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from memproxy.domain import Job, JobState, Page, QueueDepth
from memproxy.errors import Conflict, NotFound
from memproxy.storable import check_ids, joined, maybe_clean, micros, moment
from memproxy_mongo import cursors
from memproxy_mongo.documents import read_job
from memproxy_mongo.driver import Database, Document

_SPARE = 16
"""Jobs that are read beside those wanted, for some may have one owner."""

_FREED: Mapping[str, Any] = {"worker": None, "lease_until": None}


async def claim(db: Database, worker: str, limit: int, lease: float, now: datetime) -> list[Job]:
    busy = await _busy(db, now)
    until = micros(now + timedelta(seconds=lease))
    taken = {"state": JobState.RUNNING.value, "worker": worker, "lease_until": until}
    claimed: list[Job] = []
    while len(claimed) < limit:
        due = await _due(db, busy, now, limit - len(claimed))
        if not due:
            break
        tried = await asyncio.gather(*(_take(db, job, taken, now) for job in due))
        claimed += [read_job(mine) for mine in tried if mine is not None]
        busy = await _busy(db, now) if len(claimed) < limit else set()
    return claimed


async def _busy(db: Database, now: datetime) -> set[str]:
    """Owners of running jobs. Those whose lease has passed are queued again first."""
    running = {"state": JobState.RUNNING.value}
    found = await db.some("job", running, fields=["owner", "lease_until"])
    if any(job["lease_until"] <= micros(now) for job in found):
        expired = {**running, "lease_until": {"$lte": micros(now)}}
        anew = {"$set": {"state": JobState.PENDING.value, **_FREED}, "$unset": {"busy": ""}}
        await db.change_all("job", expired, anew)
    return {job["owner"] for job in found if job["lease_until"] > micros(now)}


async def _due(db: Database, busy: Collection[str], now: datetime, limit: int) -> list[Document]:
    """The oldest, one of each owner."""
    due = {"state": JobState.PENDING.value, "run_at": {"$lte": micros(now)}, "owner": {"$nin": list(busy)}}
    found = await db.some("job", due, fields=["owner"], order=[("created", 1), ("id", 1)], limit=limit + _SPARE)
    firsts: dict[str, Document] = {}
    for job in found:
        firsts.setdefault(job["owner"], job)
    return list(firsts.values())[:limit]


async def _take(db: Database, job: Document, taken: Document, now: datetime) -> Document | None:
    """None where another worker has it, or another of its owner."""
    here = {"_id": job["_id"], "state": JobState.PENDING.value, "run_at": {"$lte": micros(now)}}
    try:
        return await db.take("job", here, {"$set": {**taken, "busy": job["owner"]}, "$inc": {"attempts": 1}})
    except Conflict:
        return None


def _held(job: Job) -> Document:
    """The job where this is still the try that runs: the number of the attempt fences off a worker that lost its lease
    and got the job back under the same name."""
    mine = {"state": JobState.RUNNING.value, "worker": job.worker, "attempts": job.attempts}
    return {"_id": joined(job.scope.tenant, job.id), **mine}


async def extend(db: Database, job: Job, lease: float, now: datetime) -> bool:
    until = micros(now + timedelta(seconds=lease))
    return await db.change("job", _held(job), {"$set": {"lease_until": until}})


async def settle(db: Database, job: Job, now: datetime, error: str | None, retry_at: datetime | None) -> None:
    ended: Document = {**_FREED, "error": maybe_clean(error)}
    if error is None:
        ended |= {"state": JobState.DONE.value, "finished": micros(now)}
    elif retry_at is None:
        ended |= {"state": JobState.DEAD.value, "finished": micros(now)}
    else:
        ended |= {"state": JobState.PENDING.value, "run_at": micros(retry_at)}
    await db.change("job", _held(job), {"$set": ended, "$unset": {"busy": ""}})


async def depth(db: Database) -> QueueDepth:
    waiting = {"$match": {"state": {"$in": [state.value for state in JobState if state is not JobState.DONE]}}}
    counted = {"$group": {"_id": "$state", "jobs": {"$sum": 1}, "oldest": {"$min": "$created"}}}
    found = {JobState(one["_id"]): one for one in await db.grouped("job", waiting, counted)}
    states = (JobState.PENDING, JobState.RUNNING, JobState.DEAD)
    pending, running, dead = (found[state]["jobs"] if state in found else 0 for state in states)
    oldest = moment(found[JobState.PENDING]["oldest"]) if pending else None
    return QueueDepth(pending, running, dead, oldest)


async def prune(db: Database, before: datetime) -> int:
    return await db.remove("job", {"state": JobState.DONE.value, "finished": {"$lt": micros(before)}})


async def jobs(
    db: Database, tenant: str, entity: str | None, states: Sequence[JobState], cursor: str | None, limit: int
) -> Page[Job]:
    time, last_id = cursors.newest(cursor)
    check_ids(tenant, entity)
    asked: Document = {"tenant": tenant} if entity is None else {"owner": joined(tenant, entity)}
    if states:
        asked["state"] = {"$in": [state.value for state in states]}
    older = {**asked, "$or": [{"created": {"$lt": time}}, {"created": time, "id": {"$lt": last_id}}]}
    found = await db.some("job", older, order=[("created", -1), ("id", -1)], limit=limit + 1)
    total = await db.count("job", asked)
    return cursors.page(found, limit, total, read=read_job, cursor=lambda one: f"{one['created']} {one['id']}")


async def retry(db: Database, tenant: str, job_id: str, now: datetime, entity: str | None) -> Job:
    check_ids(tenant, job_id, entity)
    here: Document = {"_id": joined(tenant, job_id)}
    if entity is not None:
        here["entity"] = entity
    anew = {"state": JobState.PENDING.value, "attempts": 0, "run_at": micros(now), "finished": None}
    queued = await db.take("job", {**here, "state": JobState.DEAD.value}, {"$set": anew})
    if queued is not None:
        return read_job(queued)
    job = await db.one("job", here)
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    raise Conflict(f"Job {job_id} is {job['state']}; only a dead job can be retried.")
