"""What its owner sees: entities, receipts, and rows as an archive carries them, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from memproxy.domain.conversation import Injection, Message, Session
from memproxy.domain.memory import Event, Fact, Triple
from memproxy.domain.scope import Scope

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A slice of a list; `next_cursor` is opaque and None at the end; `total` counts the whole list."""

    items: tuple[T, ...]
    next_cursor: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Entity:
    """A person as the owner's lists show them."""

    id: str
    created_at: datetime
    last_at: datetime | None
    """When the newest of the sessions that hold messages was last written to; None where there is none."""
    sessions: int = 0
    messages: int = 0
    facts: Mapping[str, int] = field(default_factory=dict)
    """Current facts by kind."""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """The ledger entry of one request, and where it stands."""

    scope: Scope
    session: str
    injection: Injection


@dataclass(frozen=True, slots=True)
class Kept:
    """One row of an entity, as an archive carries it."""

    row: Session | Message | Injection | Fact | Triple | Event
    session: str | None = None
    """Of a message or an injection."""
    augmented: bool = False
    """Of a message: it needs no further extraction."""

    @property
    def ids(self) -> tuple[str | None, ...]:
        """Everything in the row that names something: a store takes it letter by letter, or not at all."""
        match self.row:
            case Session(id=id_, process=process):
                return (id_, process)
            case Message(id=id_):
                return (id_, self.session)
            case Injection(facts=facts):
                return (self.session, *facts)
            case Fact(id=id_, superseded_by=by, process=process, sources=sources):
                return (id_, by, process, *(name for s in sources for name in (s.message_id, s.session_id)))
            case Triple(id=id_, fact_id=fact_id) | Event(id=id_, fact_id=fact_id):
                return (id_, fact_id)
