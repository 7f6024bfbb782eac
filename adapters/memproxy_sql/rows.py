"""Rows to values of the domain and back: with `fact_rows.py` the one place that knows both shapes.

A row going in is a dict of columns, coming out a tuple in the order of the `…_COLUMNS` beside its reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from memproxy.domain import (
    ApiKey,
    Injection,
    Job,
    JobState,
    Message,
    Scope,
    Session,
    Turn,
    Usage,
)
from memproxy.storable import clean, maybe_clean, maybe_micros, maybe_moment, micros, moment

Row = dict[str, Any]
Read = Sequence[Any]

_LARGEST = 2**63 - 1
_encode, _decode = msgspec.json.encode, msgspec.json.decode


def owner(scope: Scope) -> Row:
    """The parameters that every statement about an entity takes."""
    return {"tenant_id": scope.tenant, "entity_id": scope.entity}


MESSAGE_COLUMNS = ("id", "role", "text", "key", "created_at", "name", "external_id", "extra", "complete")


def message_row(scope: Scope, session: str, message: Message, *, position: int, augmented: bool) -> Row:
    return {
        "tenant_id": scope.tenant,
        "entity_id": scope.entity,
        "id": message.id,
        "session_id": session,
        "position": position,
        "key": message.key,
        "role": clean(message.role),
        "name": maybe_clean(message.name),
        "external_id": maybe_clean(message.external_id),
        "complete": message.complete,
        "augmented": augmented,
        "created_at": micros(message.created_at),
        "extra": message.extra,
        "text": clean(message.text),
    }


def read_message(row: Read) -> Message:
    id_, role, text, key, created_at, name, external_id, extra, complete, *_ = row
    return Message(id_, role, text, key, moment(created_at), name, external_id, extra, bool(complete))


def ids_column(ids: Sequence[str]) -> str:
    """Ids of facts, as one column holds them."""
    return _encode(ids).decode()


def read_ids(column: str) -> tuple[str, ...]:
    return tuple(_decode(column)) if column != "[]" else ()


INJECTION_COLUMNS = ("anchor", "block", "tokens", "facts", "request_id", "created_at")


def injection_row(scope: Scope, session: str, given: Injection, *, position: int, at: datetime) -> Row:
    return {
        "tenant_id": scope.tenant,
        "entity_id": scope.entity,
        "session_id": session,
        "anchor": given.anchor,
        "position": position,
        "tokens": given.tokens,
        "request_id": clean(given.request_id),
        "created_at": micros(given.created_at or at),
        "facts": ids_column(given.facts),
        "block": clean(given.block),
        "receipt": given.receipt,
    }


def read_injection(row: Read, receipt: bytes = b"{}") -> Injection:
    anchor, block, tokens, facts, request_id, created_at = row
    ids = read_ids(facts)
    return Injection(anchor, block, tokens, ids, request_id, receipt, moment(created_at))


def usage_row(turn: Turn, usage: Usage) -> Row:
    return {
        "tenant_id": turn.scope.tenant,
        "request_id": clean(turn.request_id),
        "entity_id": turn.scope.entity,
        "session_id": turn.session,
        "process_id": turn.scope.process,
        "model": clean(usage.model),
        # An upstream may report any number; one that no column holds must not cost the turn.
        "prompt_tokens": min(usage.prompt_tokens, _LARGEST),
        "completion_tokens": min(usage.completion_tokens, _LARGEST),
        "created_at": micros(turn.at),
    }


SESSION_COLUMNS = ("id", "process_id", "messages", "created_at", "last_at")


def read_session(row: Read) -> Session:
    id_, process, messages, created_at, last_at = row
    return Session(id_, process, messages, moment(created_at), moment(last_at))


JOB_COLUMNS = (
    "id", "kind", "tenant_id", "entity_id", "process_id", "session_id", "created_at", "run_at", "state", "attempts",
    "lease_until", "worker", "error", "finished_at",
)  # fmt: skip


def job_row(job: Job) -> Row:
    return {
        "tenant_id": job.scope.tenant,
        "id": job.id,
        "kind": job.kind,
        "entity_id": job.scope.entity,
        "process_id": job.scope.process,
        "session_id": job.session,
        "created_at": micros(job.created_at),
        "run_at": micros(job.run_at),
        "state": job.state.value,
        "attempts": job.attempts,
        "lease_until": maybe_micros(job.lease_until),
        "worker": job.worker,
        "error": maybe_clean(job.error),
        "finished_at": maybe_micros(job.finished_at),
    }


def read_job(row: Read) -> Job:
    id_, kind, tenant, entity, process, session, created, run_at, state, attempts, lease, worker, error, finished = row
    return Job(
        id_, kind, Scope(tenant, entity, process), session, moment(created), moment(run_at), JobState(state), attempts,
        maybe_moment(lease), worker, error, maybe_moment(finished),
    )  # fmt: skip


KEY_COLUMNS = ("id", "tenant_id", "digest", "created_at", "entity_id", "process_id", "recall_scope", "revoked_at")


def key_row(key: ApiKey) -> Row:
    return {
        "id": key.id,
        "tenant_id": key.tenant,
        "digest": key.digest,
        "created_at": micros(key.created_at),
        "entity_id": key.entity,
        "process_id": key.process,
        "recall_scope": key.recall_scope,
        "revoked_at": maybe_micros(key.revoked_at),
    }


def read_key(row: Read) -> ApiKey:
    id_, tenant, digest, created_at, entity, process, recall_scope, revoked_at = row
    return ApiKey(
        id_, tenant, digest, created_at=moment(created_at), entity=entity, process=process, recall_scope=recall_scope,
        revoked_at=maybe_moment(revoked_at),
    )  # fmt: skip
