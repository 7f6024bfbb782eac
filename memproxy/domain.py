"""The values that travel between the parts: frozen, no I/O, no clock.

A tenant owns entities (people); an entity talks through processes (apps, agents) in sessions
(conversations); a session holds messages; messages become facts; facts are recalled as a block.

    Turn ──commit──► Message, Injection, Job ──augment──► Fact, Triple ──recall──► Hit ──render──► Block

Ids that callers choose (tenant, entity, process, session) are kept as they came; ids that memproxy
makes (message, fact, job, request) are UUIDv7 text. Times are timezone-aware UTC datetimes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")

_DAY = re.compile(r"\d{4}-\d\d-\d\d:")
"""The heading of a day, in a block."""
_DATED = re.compile(r"- \([^()]*\) ")


def _undated(line: str) -> str:
    """A line of a block without its date, which changes as a fact is mentioned and ends."""
    return _DATED.sub("- ", line, count=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memory a call may touch; every store call takes one. `process` is the app that writes, and does not
    narrow reads (recall narrows by process where it was asked to)."""

    tenant: str
    entity: str
    process: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One captured message of a session, as the client's own words have it."""

    id: str
    role: str
    """`user`, `assistant` or `tool`."""
    text: str
    """The text that was said; empty where a message only carried tool calls."""
    key: bytes
    """16 bytes that recognise the message in a resent history (see `identity.py`); unique in a session."""
    created_at: datetime
    name: str | None = None
    external_id: str | None = None
    """The id under which a caller of the memory API knows the message; unique in a session."""
    extra: bytes | None = None
    """JSON of what a legal replay needs beside the text: `tool_calls`, `tool_call_id`, `refusal`."""
    complete: bool = True
    """False for a reply that broke off."""

    @property
    def public_id(self) -> str:
        return self.external_id or self.id


ANCHOR = 16
"""Bytes of an anchor in the ledger."""


@dataclass(frozen=True, slots=True)
class Injection:
    """A ledger entry: the block that was given with one user message of a session. An empty block is an entry too:
    the provider has seen that message without one."""

    anchor: bytes
    """16 bytes: the user message with the pair before it. A request whose message has its block already is entered
    under its own, longer id instead: for its receipt alone, and no part of what `look` gives."""
    block: str
    tokens: int = 0
    facts: tuple[str, ...] = ()
    """Ids of the facts in the block."""
    request_id: str = ""
    receipt: bytes = b"{}"
    """JSON: what was recalled, with scores, and what was left out and why."""
    created_at: datetime | None = None

    def without(self, lines: Collection[str], facts: Collection[str] = ()) -> Injection:
        """The same entry, its block less these lines, whatever their dates; where one of them stood, without these ids
        too. A day's heading that is left without lines goes, and a block that shows no fact any more, none of its lines
        beginning with `- `, becomes empty."""
        gone = {_undated(line.removesuffix("\n")) for line in lines}
        told = self.block.split("\n")
        kept = [line for line in told if _undated(line) not in gone]
        kept = [line for line, after in pairwise([*kept, ""]) if not _DAY.fullmatch(line) or after.startswith("- ")]
        if len(kept) == len(told):
            return self
        shows = any(line.startswith("- ") for line in kept)
        left = tuple(fact for fact in self.facts if fact not in facts)
        return replace(self, block="\n".join(kept) if shows else "", facts=left)

    def emptied(self) -> Injection:
        """The same entry, telling nothing."""
        return replace(self, block="", facts=(), receipt=b"{}")


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
class Usage:
    """What one turn used, as the upstream's reply reports it."""

    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Sought:
    """How the session of a turn is found, where the store was away when the turn began."""

    session: str | None
    """The one that the request names."""
    pairs: tuple[bytes, ...] = ()
    ids: tuple[str, ...] = ()
    answered: bool = False
    """Whether the last message of the turn is the answer; those before it are all that the request holds."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one request adds to a session, committed as a whole or not at all."""

    scope: Scope
    session: str
    request_id: str
    at: datetime
    messages: tuple[Message, ...] = ()
    injection: Injection | None = None
    jobs: tuple[Job, ...] = ()
    usage: Usage | None = None
    seen: int = 0
    """Version of the memory that the injection was recalled from; 0 where it tells nothing. Where one of its facts was
    forgotten since, corrected, or erased with its entity, the ledger keeps an empty entry."""
    sought: Sought | None = None
    """Set until session and messages are settled against what the store holds; never committed so."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a turn: how many of its messages the session did not hold before."""

    added: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows that a request needs, read in one go."""

    version: int = 0
    """Of the entity's memory; 0 where the entity is unknown."""
    session: str | None = None
    """The session named, or the one recognised; None where neither."""
    held: frozenset[bytes] = frozenset()
    """Those of the asked keys that the entity holds in any session."""
    injections: tuple[Injection, ...] = ()
    """The session's ledger, oldest first (`receipt` is left empty here)."""
    tokens: int = 0
    """What all blocks of the session add up to."""
    ids: frozenset[str] = frozenset()
    """Those of the asked message ids that the entity holds in any session."""


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    process: str | None
    messages: int
    created_at: datetime
    last_at: datetime


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


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One credential of a tenant; the secret itself is never stored."""

    id: str
    tenant: str
    digest: bytes = field(repr=False)
    """HMAC-SHA256 of the secret (`crypto.py`)."""
    created_at: datetime = field(kw_only=True)
    entity: str | None = None
    process: str | None = None
    recall_scope: str | None = None
    """`process` narrows what the key may recall; None leaves the setting."""
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """The state of the job queue over all tenants."""

    pending: int = 0
    running: int = 0
    dead: int = 0
    oldest: datetime | None = None
    """`created_at` of the oldest pending job."""


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
