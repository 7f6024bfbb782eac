"""Rows of facts, their sources, triples and history to values of the domain and back; see `rows.py`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from memproxy.domain import Event, Fact, FactState, Scope, Source, Triple
from memproxy.storable import clean, digest, maybe_clean, maybe_micros, maybe_moment, micros, moment
from memproxy_sql.rows import Read, Row, owner

_encode, _decode = msgspec.json.encode, msgspec.json.decode


FACT_COLUMNS = (
    "id", "kind", "text", "tokens", "first_seen", "last_seen", "number", "state", "embedding", "model", "attribute",
    "value", "speaker", "role", "process_id", "mentions", "valid_from", "valid_to", "superseded_by", "confidence",
    "expires_at", "pinned", "authored", "meta", "version",
)  # fmt: skip


def fact_row(scope: Scope, fact: Fact, *, number: int, version: int) -> Row:
    value = maybe_clean(fact.value)
    return {
        "tenant_id": scope.tenant,
        "entity_id": scope.entity,
        "id": fact.id,
        "number": number,
        "version": version,
        "kind": clean(fact.kind),
        "state": fact.state.value,
        "text": clean(fact.text),
        "tokens": fact.tokens,
        "first_seen": micros(fact.first_seen),
        "last_seen": micros(fact.last_seen),
        "embedding": fact.embedding,
        "model": maybe_clean(fact.model),
        "attribute": maybe_clean(fact.attribute),
        "value": value,
        "value_key": None if value is None else digest(value),
        "speaker": maybe_clean(fact.speaker),
        "role": clean(fact.role),
        "process_id": maybe_clean(fact.process),
        "mentions": fact.mentions,
        "valid_from": maybe_micros(fact.valid_from),
        "valid_to": maybe_micros(fact.valid_to),
        "superseded_by": fact.superseded_by,
        "confidence": fact.confidence,
        "expires_at": maybe_micros(fact.expires_at),
        "pinned": fact.pinned,
        "authored": fact.authored,
        "meta": _meta(fact.metadata),
    }


def _meta(metadata: Mapping[str, str]) -> str | None:
    if not metadata:
        return None
    return _encode({clean(name): clean(value) for name, value in metadata.items()}).decode()


def read_fact(row: Read, sources: tuple[Source, ...]) -> Fact:
    (
        id_, kind, text, tokens, first_seen, last_seen, number, state, embedding, model, attribute, value, speaker,
        role, process, mentions, valid_from, valid_to, superseded_by, confidence, expires_at, pinned, authored, meta,
        version,
    ) = row  # fmt: skip
    return Fact(
        id_, kind, text, tokens, moment(first_seen), moment(last_seen), number, FactState(state), embedding, model,
        attribute, value, speaker, role, process, mentions, maybe_moment(valid_from), maybe_moment(valid_to),
        superseded_by, confidence, maybe_moment(expires_at), bool(pinned), bool(authored),
        sources, _decode(meta) if meta else {}, version,
    )  # fmt: skip


def mention_rows(scope: Scope, fact: Fact) -> list[Row]:
    given = {"tenant_id": scope.tenant, "entity_id": scope.entity, "fact_id": fact.id}
    return [
        given | {"message_id": s.message_id, "session_id": s.session_id, "public_id": clean(s.public_id)}
        for s in fact.sources
    ]


TRIPLE_COLUMNS = ("id", "subject", "predicate", "object", "fact_id")


def triple_row(scope: Scope, triple: Triple) -> Row:
    return owner(scope) | {
        "id": triple.id,
        "fact_id": triple.fact_id,
        "subject": clean(triple.subject),
        "predicate": clean(triple.predicate),
        "object": clean(triple.object),
    }


def read_triple(row: Read) -> Triple:
    return Triple(*row)


EVENT_COLUMNS = ("id", "fact_id", "action", "reason", "before", "after", "created_at")


def event_row(scope: Scope, event: Event) -> Row:
    return owner(scope) | {
        "id": event.id,
        "fact_id": event.fact_id,
        "action": clean(event.action),
        "reason": clean(event.reason),
        "before": maybe_clean(event.before),
        "after": maybe_clean(event.after),
        "created_at": micros(event.at),
    }


def read_event(row: Read) -> Event:
    id_, fact_id, action, reason, before, after, created_at = row
    return Event(id_, fact_id, action, reason, before, after, moment(created_at))
