"""Small values for tests of stores: a turn, a message, a fact, a job, each with only what a test cares about."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from memproxy.domain import Event, Fact, Injection, Job, Message, Scope, Triple, Turn
from memproxy.ports import Jobs

ALICE = Scope("acme", "alice", "chat")
BOB = Scope("acme", "bob", "chat")
STRANGER = Scope("globex", "alice", "chat")
"""Another tenant's entity of the same name."""

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def key(words: str) -> bytes:
    return hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=16).digest()


def message(text: str, *, at: datetime = NOON, **fields: Any) -> Message:
    """A user's message whose id and key follow from its text, unless given."""
    fields = {"id": f"message-{key(text).hex()}", "role": "user", "key": key(text)} | fields
    return Message(text=text, created_at=at, **fields)


def turn(*texts: str | Message, scope: Scope = ALICE, session: str = "s1", at: datetime = NOON, **fields: Any) -> Turn:
    said = tuple(text if isinstance(text, Message) else message(text, at=at) for text in texts)
    return Turn(scope, session, request_id=f"request-{at.isoformat()}", at=at, messages=said, **fields)


def entry(
    anchor: str, block: str = "", *, tokens: int = 0, at: datetime | None = NOON, request: str = "request-1"
) -> Injection:
    return Injection(key(anchor), block, tokens, ("fact-1", "fact-2"), request, b'{"why": []}', at)


def fact(serial: int, /, *, at: datetime = NOON, **fields: Any) -> Fact:
    given: dict[str, Any] = {"id": f"fact-{serial}", "kind": "episode", "text": f"fact {serial}", "tokens": 3}
    return Fact(first_seen=at, last_seen=at, **(given | fields))


def event(serial: int, fact_id: str = "fact-1", /, *, at: datetime = NOON, **fields: Any) -> Event:
    given: dict[str, Any] = {"action": "created", "reason": "said", "before": None, "after": f"after {serial}"}
    return Event(f"event-{serial}", fact_id, at=at, **(given | fields))


def triple(serial: int, fact_id: str = "fact-1", /) -> Triple:
    return Triple(f"triple-{serial}", "Alice", "lives in", f"town {serial}", fact_id)


def job(number: int, *, scope: Scope = ALICE, at: datetime = NOON, **fields: Any) -> Job:
    return Job(f"job-{number}", "extract", scope, "s1", at, fields.pop("run_at", at), **fields)


async def claim(store: Jobs, *, at: datetime = NOON, worker: str = "w1", limit: int = 10) -> Sequence[Job]:
    """Claim for a lease of a minute."""
    return await store.claim(worker=worker, limit=limit, lease=60, now=at)
