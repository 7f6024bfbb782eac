"""The rows of an archive as they stand in its lines, and what is believed of a line that comes from elsewhere.

Another name or meaning of a field is a new `VERSION`. A new field is none: a memproxy that does not know it refuses the
line, as it would lose what stands there.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from msgspec import Meta, Struct

from memproxy import domain
from memproxy.domain import FactState, Kept, Source
from memproxy.ids import ID

FORMAT = "memproxy-archive"
VERSION = 1

Id: TypeAlias = Annotated[str, Meta(pattern=f"^(?:{ID.pattern})$")]
Name: TypeAlias = Annotated[str, Meta(max_length=1024)]
Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Key: TypeAlias = Annotated[bytes, Meta(min_length=16, max_length=16)]


class Header(Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str
    version: int
    entity: str = ""
    """Whose it was; where it is taken in decides whose it becomes."""


class Row(Struct, frozen=True, tag_field="type", tag=str.lower, forbid_unknown_fields=True):
    """Base of all lines after the first."""


class Session(Row, frozen=True, kw_only=True):
    id: Id
    process: Id | None = None
    messages: Count = 0
    created_at: Time
    last_at: Time


class Message(Row, frozen=True, kw_only=True):
    session: Id
    id: Id
    role: Literal["user", "assistant", "tool", "function"]
    text: str
    key: Key
    created_at: Time
    name: Name | None = None
    external_id: Name | None = None
    extra: bytes | None = None
    complete: bool = True
    augmented: bool = False


class Injection(Row, frozen=True, kw_only=True):
    session: Id
    anchor: Annotated[bytes, Meta(min_length=16, max_length=64)]
    block: str
    tokens: Count = 0
    facts: tuple[Id, ...] = ()
    request_id: Name = ""
    receipt: bytes = b"{}"
    created_at: Time | None = None


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a fact was said."""

    message_id: Id
    session_id: Id
    public_id: Name = ""


class Fact(Row, frozen=True, kw_only=True):
    id: Id
    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    text: str
    tokens: Count
    first_seen: Time
    last_seen: Time
    state: FactState = FactState.CURRENT
    embedding: bytes | None = None
    model: Name | None = None
    attribute: Name | None = None
    value: str | None = None
    speaker: Name | None = None
    role: Name = "user"
    process: Id | None = None
    mentions: Count = 1
    valid_from: Time | None = None
    valid_to: Time | None = None
    superseded_by: Id | None = None
    confidence: Annotated[float, Meta(ge=0, le=1)] = 1.0
    expires_at: Time | None = None
    pinned: bool = False
    authored: bool = False
    sources: tuple[Said, ...] = ()
    metadata: dict[str, str] = {}


class Triple(Row, frozen=True, kw_only=True):
    id: Id
    subject: str
    predicate: str
    object: str
    fact_id: Id


class Event(Row, frozen=True, kw_only=True):
    id: Id
    fact_id: Id
    action: Name
    reason: str
    before: str | None = None
    after: str | None = None
    at: Time


Line: TypeAlias = Session | Message | Injection | Fact | Triple | Event
_LINES: dict[type, type[Line]] = {
    domain.Session: Session,
    domain.Message: Message,
    domain.Injection: Injection,
    domain.Fact: Fact,
    domain.Triple: Triple,
    domain.Event: Event,
}
_ROWS: dict[type, type] = {line: row for row, line in _LINES.items()}


def archived(kept: Kept) -> Line:
    """The row as a line. A fact's number and version are given anew by the store that takes it in."""
    row, line = kept.row, _LINES[type(kept.row)]
    known: dict[str, Any] = {one.name: getattr(row, one.name) for one in fields(row)}
    known |= {"session": kept.session, "augmented": kept.augmented}
    if isinstance(row, domain.Fact):
        known["sources"] = tuple(Said(**{one.name: getattr(s, one.name) for one in fields(s)}) for s in row.sources)
    return line(**{name: known[name] for name in line.__struct_fields__})


def kept(line: Line) -> Kept:
    """The line as a row. Raises `ValueError` for what no row can be."""
    values: dict[str, Any] = {name: _utc(getattr(line, name)) for name in line.__struct_fields__}
    apart = {name: values.pop(name) for name in ("session", "augmented") if name in values}
    if isinstance(line, Fact):
        _check(line)
        values["sources"] = tuple(Source(one.message_id, one.session_id, one.public_id) for one in line.sources)
    return Kept(_ROWS[type(line)](**values), **apart)


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _check(fact: Fact) -> None:
    if fact.embedding is not None:
        if fact.model is None:
            raise ValueError("model: must name what made the embedding")
        if not fact.embedding or len(fact.embedding) % 2 or not np.isfinite(np.frombuffer(fact.embedding, "<f2")).all():
            raise ValueError("embedding: must be float16 numbers, all of them finite")
    if fact.state is FactState.FORGOTTEN and (fact.text or fact.embedding):
        raise ValueError("text: what was forgotten has none")
