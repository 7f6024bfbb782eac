"""Background work, as the store keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from memproxy.domain.scope import Scope


class JobState(StrEnum):
    """`pending` covers what is queued and what waits to retry; the API's `pending` adds `running`."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of background work, stored in the transaction that caused it."""

    id: str
    kind: str
    """`extract`; later `summarise`, `consolidate`, `expire`."""
    scope: Scope
    session: str | None
    created_at: datetime
    run_at: datetime
    """Not before this time."""
    state: JobState = JobState.PENDING
    attempts: int = 0
    """Tries begun so far; `claim` counts one up."""
    lease_until: datetime | None = None
    worker: str | None = None
    error: str | None = None
    """Of the last failed try; no user content."""
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """The state of the job queue over all tenants."""

    pending: int = 0
    running: int = 0
    dead: int = 0
    oldest: datetime | None = None
    """`created_at` of the oldest pending job."""
