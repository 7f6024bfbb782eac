"""Documents to values of the domain and back: with `fact_documents.py` the one place that knows both shapes.

The words of a turn may be more than one document holds. They then lie in documents of `part`, written before the turn
that names them, so that the turn is still one document's write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bson import ObjectId

from memproxy.domain import ApiKey, Injection, Job, JobState, Message, Scope, Session, Usage
from memproxy.errors import BadRequest
from memproxy.storable import clean, joined, maybe_clean, maybe_micros, maybe_moment, micros, moment
from memproxy_mongo.driver import Database, Document

LARGEST = 15_000_000
"""Bytes of a document."""
_LARGEST_NUMBER = 2**63 - 1
_PART = 8_000_000
"""Bytes; half of what a document may hold."""
_OVERHEAD = 200
"""Bytes of a message beside its words and marks."""


def message_document(message: Message) -> list[Any]:
    """A list, for the names of fields would be a third of a short message."""
    return [
        message.id, clean(message.role), clean(message.text), message.key, micros(message.created_at),
        maybe_clean(message.name), maybe_clean(message.external_id), message.extra, message.complete,
    ]  # fmt: skip


def read_message(stored: Sequence[Any]) -> Message:
    id_, role, text, key, created_at, name, external_id, extra, complete = stored
    return Message(id_, role, text, key, moment(created_at), name, external_id, extra, complete)


def key_mark(key: bytes) -> bytes:
    return b"k" + key


def id_mark(external_id: str) -> bytes:
    return b"x" + clean(external_id).encode()


def anchor_mark(anchor: bytes) -> bytes:
    return b"a" + anchor


def request_mark(request_id: str) -> bytes:
    return b"r" + clean(request_id).encode()


def entry_document(given: Injection, *, at: int) -> Document:
    return {
        "anchor": given.anchor,
        "block": clean(given.block),
        "tokens": given.tokens,
        "facts": list(given.facts),
        "request": clean(given.request_id),
        "receipt": given.receipt,
        "at": at if given.created_at is None else micros(given.created_at),
    }


def read_entry(stored: Document, *, receipt: bool) -> Injection:
    return Injection(
        stored["anchor"], stored["block"], stored["tokens"], tuple(stored["facts"]), stored["request"],
        stored["receipt"] if receipt else b"{}", moment(stored["at"]),
    )  # fmt: skip


def usage_document(usage: Usage) -> Document:
    # An upstream may report any number; one that no document holds must not cost the turn.
    return {
        "model": clean(usage.model),
        "prompt_tokens": min(usage.prompt_tokens, _LARGEST_NUMBER),
        "completion_tokens": min(usage.completion_tokens, _LARGEST_NUMBER),
    }


def session_id(life: ObjectId, session: str) -> str:
    return f"{life}:{session}"


def session_document(turn: Document) -> Document:
    """The session as it is after the turn."""
    return {
        "_id": session_id(turn["o"], turn["s"]),
        **{name: turn[name] for name in ("o", "s", "n", "process", "created", "last", "messages", "entries")},
    }


def read_session(stored: Document) -> Session:
    times = moment(stored["created"]), moment(stored["last"])
    return Session(stored["s"], stored["process"], stored["messages"], *times)


def job_document(job: Job, life: ObjectId | None) -> Document:
    """`life` is what an erasure drops it with; None where the entity holds nothing else."""
    return {
        "_id": joined(job.scope.tenant, job.id),
        "o": life,
        "tenant": job.scope.tenant,
        "entity": job.scope.entity,
        "owner": joined(job.scope.tenant, job.scope.entity),
        "process": job.scope.process,
        "id": job.id,
        "kind": job.kind,
        "session": job.session,
        "created": micros(job.created_at),
        "run_at": micros(job.run_at),
        "state": job.state.value,
        "attempts": job.attempts,
        "lease_until": maybe_micros(job.lease_until),
        "worker": job.worker,
        "error": maybe_clean(job.error),
        "finished": maybe_micros(job.finished_at),
    }


def read_job(stored: Document) -> Job:
    return Job(
        stored["id"], stored["kind"], Scope(stored["tenant"], stored["entity"], stored["process"]), stored["session"],
        moment(stored["created"]), moment(stored["run_at"]), JobState(stored["state"]), stored["attempts"],
        maybe_moment(stored["lease_until"]), stored["worker"], stored["error"], maybe_moment(stored["finished"]),
    )  # fmt: skip


def api_key_document(key: ApiKey) -> Document:
    return {
        "_id": key.id,
        "tenant": key.tenant,
        "digest": key.digest,
        "created": micros(key.created_at),
        "entity": key.entity,
        "process": key.process,
        "recall_scope": key.recall_scope,
        "revoked": maybe_micros(key.revoked_at),
    }


def read_api_key(stored: Document) -> ApiKey:
    return ApiKey(
        stored["_id"], stored["tenant"], stored["digest"], created_at=moment(stored["created"]),
        entity=stored["entity"], process=stored["process"], recall_scope=stored["recall_scope"],
        revoked_at=maybe_moment(stored["revoked"]),
    )  # fmt: skip


async def put_parts(db: Database, life: ObjectId, body: bytes, *, field: str) -> Document:
    """Store bytes of any length; give what finds them. `field` says what they are of: a `turn`, or a `change`."""
    name = ObjectId()
    pieces = [body[at : at + _PART] for at in range(0, len(body), _PART)]
    for number, piece in enumerate(pieces):
        await db.add("part", [{"_id": f"{name}:{number}", "o": life, field: name, "data": piece}])
    return {"id": name, "count": len(pieces)}


def part_ids(parts: Document) -> list[str]:
    return [f"{parts['id']}:{number}" for number in range(parts["count"])]


async def read_parts(db: Database, parts: Document) -> Document | None:
    """None where they are gone."""
    ids = part_ids(parts)
    found = {stored["_id"]: stored["data"] for stored in await db.some("part", {"_id": {"$in": ids}})}
    return db.decoded(b"".join([found[name] for name in ids])) if len(found) == len(ids) else None


async def put_words(db: Database, document: Document) -> None:
    """Move the words of a turn into parts where it is more than one document holds. Raises `BadRequest` where it is
    that without them."""
    if _about(document) > _PART:
        if too_large(db, {**document, "said": []}):
            raise BadRequest("MongoDB holds no ledger entry of more than 15 MB.")
        document["parts"] = await put_parts(db, document["o"], db.encoded({"said": document["said"]}), field="turn")
        document["said"] = []


def _about(document: Document) -> int:
    """The bytes of a turn, or more."""
    given = document.get("entry", {"block": "", "receipt": b""})
    said = sum([4 * len(said[2]) + len(said[7] or b"") + _OVERHEAD for said in document["said"]])
    return said + sum(map(len, document["marks"])) + 4 * len(given["block"]) + len(given["receipt"])


def too_large(db: Database, document: Document) -> bool:
    """Whether a server may refuse to hold it: one that cannot be stored must not be decided."""
    return len(db.encoded(document)) > LARGEST


async def words(db: Database, document: Document) -> list[list[Any]]:
    """The messages of a turn."""
    if "parts" not in document:
        said: list[list[Any]] = document["said"]
        return said
    body = await read_parts(db, document["parts"])
    return body["said"] if body is not None else []
