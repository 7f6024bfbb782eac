"""A store in plain dicts, with the semantics of every `Store`: for tests, and for trying things without a disk.

Set `fault` to an error and every verb raises it until it is set to None again: a store that is away.
Text that not every database can hold (NUL, lone surrogates) comes back as U+FFFD here too, so that tests see what
a real store would give.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Self

from memproxy.domain import (
    ApiKey,
    Changes,
    Committed,
    Event,
    Fact,
    FactState,
    Injection,
    Known,
    MemoryWrite,
    Message,
    Page,
    Scope,
    Session,
    Triple,
    Turn,
)
from memproxy.errors import Conflict, NotFound
from memproxy.testing.listing import newest_page, oldest_page
from memproxy.testing.memory_queue import MemoryQueue
from memproxy.testing.storable import check_ids, storable


@dataclass(slots=True)
class _Session:
    id: str
    process: str | None
    created_at: datetime
    last_at: datetime
    messages: list[Message] = field(default_factory=list)
    places: dict[bytes, int] = field(default_factory=dict)
    external: set[str] = field(default_factory=set)
    ledger: dict[bytes, Injection] = field(default_factory=dict)

    def rank(self, pair: bytes) -> tuple[bool, datetime, datetime, str]:
        """How well this session is recognised by a pair that it holds."""
        return (self.places[pair] == len(self.messages) - 1, self.last_at, self.created_at, self.id)

    def add(self, turn: Turn) -> int:
        fresh = [m for m in turn.messages if self._admit(m)]
        entry = turn.injection
        if entry is not None and entry.anchor not in self.ledger:
            self.ledger[entry.anchor] = replace(entry, created_at=entry.created_at or turn.at)
        self.last_at = max(self.last_at, turn.at)
        return len(fresh)

    def _admit(self, message: Message) -> bool:
        if message.key in self.places or message.external_id in self.external:
            return False
        self.places[message.key] = len(self.messages)
        if message.external_id is not None:
            self.external.add(message.external_id)
        self.messages.append(message)
        return True


@dataclass(slots=True)
class _Entity:
    version: int
    sessions: dict[str, _Session] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    triples: dict[str, Triple] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    augmented: set[str] = field(default_factory=set)
    numbers: int = 0

    def put(self, fact: Fact) -> None:
        stored = self.facts.get(fact.id)
        if stored is None:
            self.numbers += 1
        number = self.numbers if stored is None else stored.number
        sources = {s.message_id: s for s in (*fact.sources, *(stored.sources if stored else ()))}
        ordered = tuple(sources[key] for key in sorted(sources))
        self.facts[fact.id] = replace(fact, number=number, sources=ordered, version=self.version)
        if fact.state is FactState.FORGOTTEN:
            self.triples = {key: t for key, t in self.triples.items() if t.fact_id != fact.id}


class MemoryStore(MemoryQueue):
    """A `Store` that forgets when it is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self._entities: dict[tuple[str, str], _Entity] = {}
        self._keys: dict[str, ApiKey] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def check(self) -> None:
        self._reach()

    # Turns

    async def look(
        self,
        scope: Scope,
        *,
        session: str | None,
        keys: Sequence[bytes],
        pairs: Sequence[bytes],
        ids: Sequence[str] = (),
    ) -> Known:
        self._reach()
        check_ids(scope.tenant, scope.entity, session)
        entity = self._entities.get((scope.tenant, scope.entity))
        if entity is None:
            return Known(session=session)
        held = frozenset(key for key in keys if any(key in s.places for s in entity.sessions.values()))
        name = session if session is not None else _named(entity, ids) or _recognise(entity, pairs)
        found = entity.sessions.get(name) if name is not None else None
        ledger = tuple(replace(entry, receipt=b"{}") for entry in found.ledger.values()) if found else ()
        found_ids = frozenset(one for one in ids if any(one in s.external for s in entity.sessions.values()))
        return Known(entity.version, name, held, ledger, sum(entry.tokens for entry in ledger), found_ids)

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        self._reach()
        for turn in turns:
            check_ids(turn.scope.tenant, turn.scope.entity, turn.scope.process, turn.session)
        committed = []
        for turn in storable(tuple(turns)):
            sessions = self._entity(turn.scope).sessions
            fresh = _Session(turn.session, turn.scope.process, turn.at, turn.at)
            committed.append(Committed(sessions.setdefault(turn.session, fresh).add(turn)))
            await self.enqueue(turn.jobs)
        return committed

    async def messages(self, scope: Scope, session: str, *, cursor: str | None, limit: int) -> Page[Message]:
        self._reach()
        return oldest_page(self._messages(scope, session), cursor, limit)

    async def unaugmented(self, scope: Scope, session: str, *, limit: int) -> Sequence[Message]:
        self._reach()
        done = self._peek(scope).augmented
        return [m for m in self._messages(scope, session) if m.id not in done][:limit]

    async def sessions(self, scope: Scope, *, cursor: str | None, limit: int) -> Page[Session]:
        self._reach()
        found = [
            Session(s.id, s.process, len(s.messages), s.created_at, s.last_at)
            for s in self._peek(scope).sessions.values()
        ]
        return newest_page(found, cursor, limit)

    # Memory

    async def changes(self, scope: Scope, *, since: int) -> Changes:
        self._reach()
        entity = self._peek(scope)
        facts = (fact for fact in entity.facts.values() if fact.version > since)
        return Changes(entity.version, tuple(sorted(facts, key=lambda fact: fact.number)))

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        self._reach()
        check_ids(scope.tenant, scope.entity, scope.process)
        change = storable(change)
        version = self._peek(scope).version
        if change.expected is not None and change.expected != version:
            raise Conflict(f"The memory is at version {version}, not {change.expected}: read it again.")
        entity = self._entity(scope)
        entity.version += 1
        entity.triples |= {t.id: t for t in change.triples if t.id not in entity.triples}
        for fact in change.facts:
            entity.put(fact)
        entity.events |= {e.id: e for e in change.events if e.id not in entity.events}
        entity.augmented.update(change.augmented)
        return entity.version

    async def about(self, scope: Scope, attributes: Sequence[str]) -> Sequence[Fact]:
        self._reach()
        wanted = storable(tuple(attributes))
        facts = (fact for fact in self._peek(scope).facts.values() if fact.attribute in wanted)
        return sorted(facts, key=lambda fact: fact.number)

    def history(self, scope: Scope) -> Sequence[Event]:
        """All events of the entity, in the order in which they were written."""
        return tuple(self._peek(scope).events.values())

    def triples(self, scope: Scope) -> Sequence[Triple]:
        return tuple(self._peek(scope).triples.values())

    # Keys

    async def create_key(self, key: ApiKey) -> None:
        self._reach()
        if key.id in self._keys:
            raise Conflict(f"There is a key {key.id} already.")
        self._keys[key.id] = key

    async def find_key(self, key_id: str) -> ApiKey | None:
        self._reach()
        return self._keys.get(key_id)

    async def keys(self, tenant: str | None) -> Sequence[ApiKey]:
        self._reach()
        found = (key for key in self._keys.values() if tenant in (None, key.tenant))
        return sorted(found, key=lambda key: (key.created_at, key.id), reverse=True)

    async def revoke_key(self, key_id: str, *, now: datetime) -> ApiKey:
        self._reach()
        key = self._keys.get(key_id)
        if key is None:
            raise NotFound(f"There is no key {key_id}.")
        self._keys[key_id] = replace(key, revoked_at=key.revoked_at or now)
        return self._keys[key_id]

    def _peek(self, scope: Scope) -> _Entity:
        return self._entities.get((scope.tenant, scope.entity)) or _Entity(version=0)

    def _entity(self, scope: Scope) -> _Entity:
        fresh = _Entity(version=int(time.time() * 1000))
        return self._entities.setdefault((scope.tenant, scope.entity), fresh)

    def _messages(self, scope: Scope, session: str) -> list[Message]:
        found = self._peek(scope).sessions.get(session)
        return found.messages if found else []


def _named(entity: _Entity, ids: Sequence[str]) -> str | None:
    holding = [s for s in entity.sessions.values() if not s.external.isdisjoint(ids)]
    return max(holding, key=lambda s: (s.last_at, s.created_at, s.id)).id if holding else None


def _recognise(entity: _Entity, pairs: Sequence[bytes]) -> str | None:
    for pair in pairs:
        holding = [s for s in entity.sessions.values() if pair in s.places]
        if holding:
            return max(holding, key=lambda s: s.rank(pair)).id
    return None
