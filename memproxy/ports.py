"""What the core asks of the world: small Protocols, at most six verbs each.

One store adapter implements all of `Turns`, `Memory`, `Archive`, `Jobs`, `JobBoard`, `Keys` and `Health` together
(`Store`), so that they share a transaction; callers take only the port they need. Every verb raises errors of
`errors.py` and nothing else: adapters translate their driver's errors, `from exc`. Constructors do no I/O and take
keywords only; `async with` opens and closes. The contract suites in `memproxy/testing/` say in code what each verb
promises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memproxy.domain import (
    ApiKey,
    Changes,
    Claim,
    Committed,
    Entity,
    Event,
    Fact,
    FactState,
    Job,
    JobState,
    Kept,
    Known,
    MemoryWrite,
    Message,
    Page,
    QueueDepth,
    Receipt,
    SchemaVersion,
    Scope,
    Session,
    Turn,
)

Vector = NDArray[np.float32]


class Turns(Protocol):
    """Sessions, messages and the ledger: the part of the store on the path of a request."""

    async def look(
        self,
        scope: Scope,
        *,
        session: str | None,
        keys: Sequence[bytes],
        pairs: Sequence[bytes],
        ids: Sequence[str] = (),
    ) -> Known:
        """Read what a request needs to know, in one go.

        `keys` are the keys of the request's history, `pairs` those of them that may recognise a session, newest
        first. Where `session` is None the session is recognised: the first of `pairs` that any session of the entity
        holds decides; of several sessions holding it, one in which nothing follows it, then the newest. `ids` are ids
        (`Message.external_id`) that recognise a session before all pairs do: the newest session that holds one.
        `Known.held` are the `keys` the entity holds in any session."""
        ...

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        """Store all turns durably in one transaction. A message whose `key` (or `external_id`) the session holds
        already is skipped, an injection whose `anchor` it holds too. Tenants, entities, processes and sessions come
        into being as they are named."""
        ...

    async def messages(self, scope: Scope, session: str, *, cursor: str | None, limit: int) -> Page[Message]:
        """The session's messages, oldest first."""
        ...

    async def unaugmented(self, scope: Scope, session: str, *, limit: int) -> Sequence[Message]:
        """The oldest messages of the session that no `MemoryWrite.augmented` named yet."""
        ...

    async def sessions(self, scope: Scope, *, cursor: str | None, limit: int) -> Page[Session]:
        """The entity's sessions, newest first."""
        ...


class Memory(Protocol):
    """Facts and their history."""

    async def changes(self, scope: Scope, *, since: int) -> Changes:
        """All facts of the entity whose version is past `since`, tombstones and superseded ones included, by number."""
        ...

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        """Apply a change in one transaction and return the entity's new version. Versions only rise, also over the
        erasure and return of an entity: a new entity starts at the milliseconds since 1970."""
        ...

    async def about(
        self, scope: Scope, *, attributes: Sequence[str], statements: Sequence[tuple[str, str]]
    ) -> Sequence[Fact]:
        """What a new claim is reconciled with, in every state, by number: all facts of `attributes`, and those of
        exactly these (attribute, value) `statements`. Each costs what it finds, not what the entity holds."""
        ...

    async def fetch(self, scope: Scope, ids: Sequence[str]) -> Sequence[Fact]:
        """The facts of these ids in any state, by number; ids that are not there are left out."""
        ...

    async def facts(
        self,
        scope: Scope,
        *,
        states: Sequence[FactState],
        kinds: Sequence[str],
        text: str | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Fact]:
        """Newest first, by number. No `states` or `kinds` means all; `text` asks for facts that contain it, whatever
        its case. Pages stay right while facts are added: none twice, none skipped. Raises `BadRequest` for a cursor
        that is none."""
        ...

    async def history(self, scope: Scope, fact_id: str) -> Sequence[Event]:
        """Every change of one fact, oldest first."""
        ...


class Archive(Protocol):
    """Entities as their owner sees them: listed, carried away, erased."""

    async def entities(self, tenant: str, *, cursor: str | None, limit: int) -> Page[Entity]:
        """Newest first."""
        ...

    async def entity(self, scope: Scope) -> Entity | None: ...

    async def erase(self, scope: Scope) -> Entity | None:
        """Delete everything stored of the entity, jobs, ledger, usage and history included, and leave no trace of it in
        the database's files when this returns; give what there was. API keys bound to the entity stay. Raises
        `StoreUnavailable` where the rows are gone and a trace is not: erasing again, whatever it finds, wipes it."""
        ...

    async def export(self, scope: Scope, *, cursor: str | None, limit: int) -> Page[Kept]:
        """Every row of the entity: sessions, messages by session and place, injections with their receipts in the same
        order, facts by number, triples, events. What `restore` is given in this order makes the same memory elsewhere.
        `total` is that of the first page."""
        ...

    async def restore(self, scope: Scope, rows: Sequence[Kept]) -> int:
        """Add the rows in one transaction that counts the version up by one; rows that are there already (sessions by
        id, messages by key, injections by anchor, facts, triples and events by id) are left as they are. Facts get
        numbers in the order given. What was forgotten since stays so: its triples are left out, and the words of its
        events. Returns how many were added. Raises `BadRequest` for ids that no database holds."""
        ...

    async def receipt(self, tenant: str, request_id: str) -> Receipt | None:
        """The newest ledger entry of that request."""
        ...


class Jobs(Protocol):
    """The queue as workers see it, over all tenants."""

    async def enqueue(self, jobs: Sequence[Job]) -> None: ...

    async def claim(self, *, worker: str, limit: int, lease: float, now: datetime) -> Sequence[Job]:
        """Take up to `limit` due jobs, oldest first, for `lease` seconds; at most one running job per entity.
        A running job whose lease has passed is due again."""
        ...

    async def extend(self, job: Job, *, lease: float, now: datetime) -> bool:
        """Prolong the lease; False where the job is no longer this worker's."""
        ...

    async def settle(
        self, job: Job, *, now: datetime, error: str | None = None, retry_at: datetime | None = None
    ) -> None:
        """End a try: done without `error`; queued again at `retry_at`; dead with an error and no `retry_at`.
        Does nothing where the job is no longer this worker's."""
        ...

    async def depth(self) -> QueueDepth: ...

    async def prune(self, *, before: datetime) -> int:
        """Delete jobs done before that time; return how many."""
        ...


class JobBoard(Protocol):
    """The queue as its owner sees it."""

    async def jobs(
        self, tenant: str, *, entity: str | None, states: Sequence[JobState], cursor: str | None, limit: int
    ) -> Page[Job]:
        """Newest first. No `states` means all."""
        ...

    async def retry(self, tenant: str, job_id: str, *, now: datetime, entity: str | None = None) -> Job:
        """Queue a dead job again with its attempts reset; `NotFound`, also where it is not that of `entity`, or
        `Conflict` where it is not dead."""
        ...


class Keys(Protocol):
    """Tenants and their API keys."""

    async def tenants(self) -> Sequence[str]:
        """The ids of those that have an entity or a key, in their order."""
        ...

    async def create_key(self, key: ApiKey) -> None:
        """Store a key; its tenant comes into being where it is new."""
        ...

    async def find_key(self, key_id: str) -> ApiKey | None: ...

    async def keys(self, tenant: str | None) -> Sequence[ApiKey]:
        """Newest first, revoked ones included; None lists every tenant's."""
        ...

    async def revoke_key(self, key_id: str, *, now: datetime) -> ApiKey:
        """`NotFound` where there is none."""
        ...


@runtime_checkable
class Health(Protocol):
    async def check(self) -> None:
        """One cheap round trip that could be written to; raises `StoreUnavailable`."""
        ...


@runtime_checkable
class Store(Turns, Memory, Archive, Jobs, JobBoard, Keys, Health, Protocol):
    """Everything one database gives, opened and closed as one."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class Migrating(Protocol):
    """A store whose schema has versions. Opening it applies those that are missing, while all others wait."""

    async def versions(self) -> Sequence[SchemaVersion]:
        """All that this program knows, oldest first, and which of them the database has. Asked of a store that is not
        open; makes and changes nothing. Raises `ConfigError` where the database is another program's or has a newer
        schema, `StoreUnavailable` where it cannot be read."""
        ...


@runtime_checkable
class Index(Protocol):
    """Vectors per entity, derived from the store, disposable at any time."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def version(self, scope: Scope) -> int:
        """The entity version up to which this index has been fed; 0 where it holds nothing of the entity."""
        ...

    async def apply(self, scope: Scope, changes: Changes, *, since: int) -> None:
        """Bring the entity from version `since` to `changes.version`: current facts with an embedding are put under
        their `number`, all others taken out. Replaying is harmless. `since` 0 starts anew. What does not connect with
        what is held, or is of another life of the entity (`changes.born`), changes nothing."""
        ...

    async def search(self, scope: Scope, vector: Vector, *, limit: int) -> Sequence[tuple[int, float]]:
        """Up to `limit` (fact number, cosine) pairs of the entity, nearest first. `vector` has unit length."""
        ...

    async def drop(self, scope: Scope) -> None:
        """Forget the entity: memory and snapshots."""
        ...


@runtime_checkable
class Keeping(Protocol):
    """An index that keeps entities on this machine for longer than recall holds them, in files say."""

    def kept(self) -> Mapping[Scope, int]:
        """Each entity of which it holds anything, with `Changes.born` of what it holds."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Text to unit vectors. Never blocks the event loop."""

    @property
    def name(self) -> str:
        """Names the model and its variant: vectors of different names are not compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "passage"]) -> Vector:
        """Shape (len(texts), dimensions), float32, unit length. `query` is urgent and is batched with other queries
        that wait; `passage` is background work and yields to queries. Raises `ModelUnavailable`."""
        ...


@runtime_checkable
class Extractor(Protocol):
    """Messages to claims about the person."""

    async def extract(self, messages: Sequence[Message]) -> Sequence[Claim]:
        """Claims in the order of the messages they were read in; only the person's own words are believed."""
        ...


@runtime_checkable
class Caching(Protocol):
    """An adapter that keeps texts it was given, for speed, and can let go of them."""

    def let_go(self) -> None:
        """Drop every cached text and what was made of it: called when an entity is erased or a fact forgotten."""
        ...


class Tokenizer(Protocol):
    """Counts tokens of a text (o200k)."""

    def count(self, text: str) -> int: ...
