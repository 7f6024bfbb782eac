"""What is remembered: claims, facts and how they change, and what recall makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement that an extractor read in one message, before it is reconciled with what is known."""

    kind: str
    attribute: str
    value: str
    text: str
    """The statement as a sentence about the person, third person."""
    message_id: str
    single: bool = False
    """Single-valued: a new value supersedes the old one."""
    ended: bool = False
    """True where the person says it no longer holds ("I don't live in Berlin any more")."""
    valid_from: datetime | None = None
    confidence: float = 1.0
    triple: tuple[str, str, str] | None = None


class FactState(StrEnum):
    CURRENT = "current"
    SUPERSEDED = "superseded"
    FORGOTTEN = "forgotten"
    """A tombstone: no text, no embedding, no value but a digest of what it said (`forgotten.py`); it tells replicas to
    let go and extraction not to learn it again. Its sources stay: their words are not kept as episodes either."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was said."""

    message_id: str
    """`Message.id`; `public_id` is what the API shows."""
    session_id: str
    public_id: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One remembered statement, or a verbatim piece of a message (kind `episode`)."""

    id: str
    kind: str
    """`episode`, `profile`, `preference`, `event`, `knowledge`, `behavior`, `skill`, `relationship`, `tool`."""
    text: str
    tokens: int
    """o200k tokens of the fact's line in a block, counted at write so that packing needs no tokeniser."""
    first_seen: datetime
    last_seen: datetime
    number: int = 0
    """Per entity, rising, given by the store at first write; the label in vector indexes."""
    state: FactState = FactState.CURRENT
    embedding: bytes | None = None
    """float16 little-endian, unit length; None where there was no model."""
    model: str | None = None
    """Name of the embedding model."""
    attribute: str | None = None
    """What the statement is about, for typed facts: `home`, `name`, `likes` …"""
    value: str | None = None
    """The attribute's value, normalised; (attribute, value) is the statement's identity."""
    speaker: str | None = None
    """Name of who said it, else None; `role` says which side."""
    role: str = "user"
    process: str | None = None
    mentions: int = 1
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    superseded_by: str | None = None
    confidence: float = 1.0
    expires_at: datetime | None = None
    pinned: bool = False
    """Always in the block, whatever is asked."""
    authored: bool = False
    """Written by the person through the API, added or corrected: nothing extracted from older messages outranks it."""
    sources: tuple[Source, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    """The entity version of the last write that touched it, given by the store."""


@dataclass(frozen=True, slots=True)
class Triple:
    """Subject, predicate, object, as one fact states it."""

    id: str
    subject: str
    predicate: str
    object: str
    fact_id: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line in the history of a fact: what changed and why."""

    id: str
    fact_id: str
    action: str
    """`created`, `mentioned`, `superseded`, `corrected`, `pinned`, `unpinned`, `forgotten`, `imported`."""
    reason: str
    before: str | None
    after: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class MemoryWrite:
    """A change to one entity's memory, applied in one transaction that bumps the entity's version by one."""

    facts: tuple[Fact, ...] = ()
    """Inserted, or replaced by id; `sources` are added to those already stored. What is forgotten loses its triples,
    and its events lose `before` and `after`."""
    triples: tuple[Triple, ...] = ()
    events: tuple[Event, ...] = ()
    augmented: tuple[str, ...] = ()
    """Ids of messages that need no further extraction."""
    untied: tuple[str, ...] = ()
    """Ids of facts that lose the triples they have: they were corrected and say something else."""
    unsaid: tuple[str, ...] = ()
    """Texts that leave the history of every fact of the entity: what was corrected away and is forgotten now."""
    struck: tuple[str, ...] = ()
    """Lines that are taken out of every block of the entity's ledger: what is forgotten is not given again. An entry
    keeps its tokens, as the session's budget was spent, and loses the ids of this change's facts: they may be given
    again, in other words."""
    expected: int | None = None
    """The version this change was computed from; `Conflict` is raised where the entity has moved on."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in an entity's memory after a version."""

    version: int
    facts: tuple[Fact, ...] = ()
    born: int = 0
    """Tells one life of the entity from the next: one erased and come back has another mark. 0: unknown entity."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A fact that recall chose, with what each signal gave it."""

    fact: Fact
    score: float
    why: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    """The text that goes into the prompt, and the facts it shows in rank order."""

    text: str = ""
    tokens: int = 0
    hits: tuple[Hit, ...] = ()
