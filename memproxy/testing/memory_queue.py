"""The job queue of the in-memory store: `Jobs` and `JobBoard` on one dict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from memproxy.domain import Job, JobState, Page, QueueDepth, Scope
from memproxy.errors import Conflict, MemproxyError, NotFound
from memproxy.testing.listing import newest_page
from memproxy.testing.storable import storable


def _age(job: Job) -> tuple[datetime, str]:
    return (job.created_at, job.id)


class MemoryQueue:
    """Holds the jobs of all tenants. Not a store by itself: see `memory_store.py`."""

    def __init__(self) -> None:
        self.fault: MemproxyError | None = None
        self._jobs: dict[tuple[str, str], Job] = {}

    def _reach(self) -> None:
        if self.fault is not None:
            raise self.fault

    async def enqueue(self, jobs: Sequence[Job]) -> None:
        self._reach()
        for job in jobs:
            self._jobs.setdefault((job.scope.tenant, job.id), job)

    async def claim(self, *, worker: str, limit: int, lease: float, now: datetime) -> Sequence[Job]:
        self._reach()
        self._requeue_expired(now)
        busy = {(j.scope.tenant, j.scope.entity) for j in self._in_state(JobState.RUNNING)}
        claimed: list[Job] = []
        for job in sorted(self._in_state(JobState.PENDING), key=_age):
            owner = (job.scope.tenant, job.scope.entity)
            if len(claimed) == limit:
                break
            if job.run_at > now or owner in busy:
                continue
            busy.add(owner)
            until = now + timedelta(seconds=lease)
            claimed.append(
                self._put(
                    replace(job, state=JobState.RUNNING, worker=worker, lease_until=until, attempts=job.attempts + 1)
                )
            )
        return claimed

    async def extend(self, job: Job, *, lease: float, now: datetime) -> bool:
        self._reach()
        mine = self._held(job)
        if mine is not None:
            self._put(replace(mine, lease_until=now + timedelta(seconds=lease)))
        return mine is not None

    async def settle(
        self, job: Job, *, now: datetime, error: str | None = None, retry_at: datetime | None = None
    ) -> None:
        self._reach()
        mine = self._held(job)
        if mine is None:
            return
        freed = replace(mine, worker=None, lease_until=None, error=storable(error))
        if error is None:
            self._put(replace(freed, state=JobState.DONE, finished_at=now))
        elif retry_at is None:
            self._put(replace(freed, state=JobState.DEAD, finished_at=now))
        else:
            self._put(replace(freed, state=JobState.PENDING, run_at=retry_at))

    async def depth(self) -> QueueDepth:
        self._reach()
        pending = self._in_state(JobState.PENDING)
        return QueueDepth(
            pending=len(pending),
            running=len(self._in_state(JobState.RUNNING)),
            dead=len(self._in_state(JobState.DEAD)),
            oldest=min((job.created_at for job in pending), default=None),
        )

    async def prune(self, *, before: datetime) -> int:
        self._reach()
        old = [j for j in self._in_state(JobState.DONE) if j.finished_at is not None and j.finished_at < before]
        for job in old:
            del self._jobs[job.scope.tenant, job.id]
        return len(old)

    async def jobs(
        self, tenant: str, *, entity: str | None, states: Sequence[JobState], cursor: str | None, limit: int
    ) -> Page[Job]:
        self._reach()
        found = [
            job
            for job in self._jobs.values()
            if job.scope.tenant == tenant
            and (entity is None or job.scope.entity == entity)
            and (not states or job.state in states)
        ]
        return newest_page(found, cursor, limit)

    async def retry(self, tenant: str, job_id: str, *, now: datetime, entity: str | None = None) -> Job:
        self._reach()
        job = self._jobs.get((tenant, job_id))
        if job is None or entity not in (None, job.scope.entity):
            raise NotFound(f"There is no job {job_id}.")
        if job.state is not JobState.DEAD:
            raise Conflict(f"Job {job_id} is {job.state}; only a dead job can be retried.")
        return self._put(replace(job, state=JobState.PENDING, attempts=0, run_at=now, finished_at=None))

    def _drop_jobs(self, scope: Scope) -> None:
        owner = (scope.tenant, scope.entity)
        self._jobs = {key: j for key, j in self._jobs.items() if (j.scope.tenant, j.scope.entity) != owner}

    def _put(self, job: Job) -> Job:
        self._jobs[job.scope.tenant, job.id] = job
        return job

    def _in_state(self, state: JobState) -> list[Job]:
        return [job for job in self._jobs.values() if job.state is state]

    def _held(self, job: Job) -> Job | None:
        """The stored job where `job` is still the try that runs: the number of the attempt fences off a worker that
        lost its lease and got the job back under the same name."""
        stored = self._jobs.get((job.scope.tenant, job.id))
        if stored is None or stored.state is not JobState.RUNNING:
            return None
        return stored if (stored.worker, stored.attempts) == (job.worker, job.attempts) else None

    def _requeue_expired(self, now: datetime) -> None:
        for job in self._in_state(JobState.RUNNING):
            if job.lease_until is not None and job.lease_until <= now:
                self._put(replace(job, state=JobState.PENDING, worker=None, lease_until=None))
