"""Rows to values of the domain and back: the one place that knows both shapes.

A row going in is a dict of columns, coming out a tuple in the order of the `…_COLUMNS` beside its reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from memproxy.domain import (
    ApiKey,
    Event,
    Fact,
    FactState,
    Injection,
    Job,
    JobState,
    Message,
    Scope,
    Session,
    Source,
    Triple,
    Turn,
    Usage,
)
from memproxy_sql.columns import clean, maybe_clean, maybe_micros, maybe_moment, micros, moment

Row = dict[str, Any]
Read = Sequence[Any]

_LARGEST = 2**63 - 1
_encode, _decode = msgspec.json.encode, msgspec.json.decode


def owner(scope: Scope) -> Row:
    """The parameters that every statement about an entity takes."""
    return {"tenant_id": scope.tenant, "entity_id": scope.entity}


MESSAGE_COLUMNS = ("id", "role", "text", "key", "created_at", "name", "external_id", "extra", "complete")


def message_row(turn: Turn, message: Message, position: int) -> Row:
    return {
        "tenant_id": turn.scope.tenant,
        "entity_id": turn.scope.entity,
        "id": message.id,
        "session_id": turn.session,
        "position": position,
        "key": message.key,
        "role": message.role,
        "name": maybe_clean(message.name),
        "external_id": maybe_clean(message.external_id),
        "complete": message.complete,
        "augmented": False,
        "created_at": micros(message.created_at),
        "extra": message.extra,
        "text": clean(message.text),
    }


def read_message(row: Read) -> Message:
    id_, role, text, key, created_at, name, external_id, extra, complete, *_ = row
    return Message(id_, role, text, key, moment(created_at), name, external_id, extra, bool(complete))


INJECTION_COLUMNS = ("anchor", "block", "tokens", "facts", "request_id", "created_at")


def injection_row(turn: Turn, given: Injection, position: int) -> Row:
    return {
        "tenant_id": turn.scope.tenant,
        "entity_id": turn.scope.entity,
        "session_id": turn.session,
        "anchor": given.anchor,
        "position": position,
        "tokens": given.tokens,
        "request_id": clean(given.request_id),
        "created_at": micros(given.created_at or turn.at),
        "facts": _encode(given.facts).decode(),
        "block": clean(given.block),
        "receipt": given.receipt,
    }


def read_injection(row: Read) -> Injection:
    anchor, block, tokens, facts, request_id, created_at = row
    ids = tuple(_decode(facts)) if facts != "[]" else ()
    return Injection(anchor, block, tokens, ids, request_id, created_at=moment(created_at))


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


def session_row(turn: Turn) -> Row:
    at = micros(turn.at)
    return owner(turn.scope) | {
        "id": turn.session,
        "process_id": turn.scope.process,
        "created_at": at,
        "last_at": at,
        "messages": 0,
        "injections": 0,
    }


def read_session(row: Read) -> Session:
    id_, process, messages, created_at, last_at = row
    return Session(id_, process, messages, moment(created_at), moment(last_at))


FACT_COLUMNS = (
    "id", "kind", "text", "tokens", "first_seen", "last_seen", "number", "state", "embedding", "model", "attribute",
    "value", "speaker", "role", "process_id", "mentions", "valid_from", "valid_to", "superseded_by", "confidence",
    "expires_at", "pinned", "meta", "version",
)  # fmt: skip


def fact_row(scope: Scope, fact: Fact, *, number: int, version: int) -> Row:
    return {
        "tenant_id": scope.tenant,
        "entity_id": scope.entity,
        "id": fact.id,
        "number": number,
        "version": version,
        "kind": fact.kind,
        "state": fact.state.value,
        "text": clean(fact.text),
        "tokens": fact.tokens,
        "first_seen": micros(fact.first_seen),
        "last_seen": micros(fact.last_seen),
        "embedding": fact.embedding,
        "model": fact.model,
        "attribute": maybe_clean(fact.attribute),
        "value": maybe_clean(fact.value),
        "speaker": maybe_clean(fact.speaker),
        "role": fact.role,
        "process_id": maybe_clean(fact.process),
        "mentions": fact.mentions,
        "valid_from": maybe_micros(fact.valid_from),
        "valid_to": maybe_micros(fact.valid_to),
        "superseded_by": fact.superseded_by,
        "confidence": fact.confidence,
        "expires_at": maybe_micros(fact.expires_at),
        "pinned": fact.pinned,
        "meta": _meta(fact.metadata),
    }


def _meta(metadata: Mapping[str, str]) -> str | None:
    if not metadata:
        return None
    return _encode({clean(name): clean(value) for name, value in metadata.items()}).decode()


def read_fact(row: Read, sources: tuple[Source, ...]) -> Fact:
    (
        id_, kind, text, tokens, first_seen, last_seen, number, state, embedding, model, attribute, value, speaker,
        role, process, mentions, valid_from, valid_to, superseded_by, confidence, expires_at, pinned, meta, version,
    ) = row  # fmt: skip
    return Fact(
        id_, kind, text, tokens, moment(first_seen), moment(last_seen), number, FactState(state), embedding, model,
        attribute, value, speaker, role, process, mentions, maybe_moment(valid_from), maybe_moment(valid_to),
        superseded_by, confidence, maybe_moment(expires_at), bool(pinned), sources,
        _decode(meta) if meta else {}, version,
    )  # fmt: skip


def mention_rows(scope: Scope, fact: Fact) -> list[Row]:
    given = {"tenant_id": scope.tenant, "entity_id": scope.entity, "fact_id": fact.id}
    return [
        given | {"message_id": s.message_id, "session_id": s.session_id, "public_id": clean(s.public_id)}
        for s in fact.sources
    ]


def triple_row(scope: Scope, triple: Triple) -> Row:
    return owner(scope) | {
        "id": triple.id,
        "fact_id": triple.fact_id,
        "subject": clean(triple.subject),
        "predicate": clean(triple.predicate),
        "object": clean(triple.object),
    }


def event_row(scope: Scope, event: Event) -> Row:
    return owner(scope) | {
        "id": event.id,
        "fact_id": event.fact_id,
        "action": event.action,
        "reason": clean(event.reason),
        "before": maybe_clean(event.before),
        "after": maybe_clean(event.after),
        "created_at": micros(event.at),
    }


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
