"""Facts, triples and their history to documents and back; each carries the version of the write that made it."""

from __future__ import annotations

from collections.abc import Sequence

from bson import ObjectId

from memproxy.domain import Event, Fact, FactState, Source, Triple
from memproxy.storable import clean, digest, joined, maybe_clean, maybe_micros, maybe_moment, micros, moment
from memproxy_mongo.driver import Document


def in_life(life: ObjectId, id_: str) -> str:
    return f"{life}:{id_}"


def fact_document(life: ObjectId, fact: Fact, sources: Sequence[Source]) -> Document:
    attribute, value = maybe_clean(fact.attribute), maybe_clean(fact.value)
    return {
        "_id": in_life(life, fact.id),
        "o": life,
        "v": fact.version,
        "id": fact.id,
        "number": fact.number,
        "kind": clean(fact.kind),
        "state": fact.state.value,
        "text": clean(fact.text),
        "tokens": fact.tokens,
        "first_seen": micros(fact.first_seen),
        "last_seen": micros(fact.last_seen),
        "embedding": fact.embedding,
        "model": maybe_clean(fact.model),
        "attribute": attribute,
        "value": value,
        "states": None if attribute is None or value is None else digest(joined(attribute, value)),
        "speaker": maybe_clean(fact.speaker),
        "role": clean(fact.role),
        "process": maybe_clean(fact.process),
        "mentions": fact.mentions,
        "valid_from": maybe_micros(fact.valid_from),
        "valid_to": maybe_micros(fact.valid_to),
        "superseded_by": fact.superseded_by,
        "confidence": float(fact.confidence),
        "expires_at": maybe_micros(fact.expires_at),
        "pinned": fact.pinned,
        "authored": fact.authored,
        "sources": [[s.message_id, s.session_id, clean(s.public_id)] for s in sources],
        # A list: not every name may be the name of a field.
        "metadata": [[clean(name), clean(value)] for name, value in fact.metadata.items()],
    }


def read_sources(stored: Document) -> tuple[Source, ...]:
    return tuple(Source(*source) for source in stored["sources"])


def read_fact(stored: Document) -> Fact:
    return Fact(
        stored["id"], stored["kind"], stored["text"], stored["tokens"], moment(stored["first_seen"]),
        moment(stored["last_seen"]), stored["number"], FactState(stored["state"]), stored["embedding"],
        stored["model"], stored["attribute"], stored["value"], stored["speaker"], stored["role"], stored["process"],
        stored["mentions"], maybe_moment(stored["valid_from"]), maybe_moment(stored["valid_to"]),
        stored["superseded_by"], stored["confidence"], maybe_moment(stored["expires_at"]), stored["pinned"],
        stored["authored"], read_sources(stored), {name: value for name, value in stored["metadata"]}, stored["v"],
    )  # fmt: skip


def triple_document(life: ObjectId, triple: Triple, version: int) -> Document:
    return {
        "_id": in_life(life, triple.id),
        "o": life,
        "v": version,
        "id": triple.id,
        "fact": triple.fact_id,
        "subject": clean(triple.subject),
        "predicate": clean(triple.predicate),
        "object": clean(triple.object),
        "gone": False,
    }


def gone_triple(life: ObjectId, id_: str, version: int) -> Document:
    """It stays without its words, so that no write that was held up brings it back."""
    return {"_id": in_life(life, id_), "o": life, "v": version, "id": id_, "gone": True}


def read_triple(stored: Document) -> Triple:
    return Triple(stored["id"], stored["subject"], stored["predicate"], stored["object"], stored["fact"])


def event_document(life: ObjectId, event: Event, version: int) -> Document:
    return {
        "_id": in_life(life, event.id),
        "o": life,
        "v": version,
        "id": event.id,
        "fact": event.fact_id,
        "action": clean(event.action),
        "reason": clean(event.reason),
        "before": maybe_clean(event.before),
        "after": maybe_clean(event.after),
        "at": micros(event.at),
    }


def read_event(stored: Document) -> Event:
    return Event(
        stored["id"], stored["fact"], stored["action"], stored["reason"], stored["before"], stored["after"],
        moment(stored["at"]),
    )  # fmt: skip
