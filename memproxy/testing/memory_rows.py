"""What the in-memory store holds of one entity: sessions with their ledgers, facts, triples and events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from memproxy.domain import (
    Entity,
    Event,
    Fact,
    FactState,
    Injection,
    Kept,
    MemoryWrite,
    Message,
    Session,
    Triple,
    Turn,
)
from memproxy.testing.listing import Place

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class StoredSession:
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
        fresh = [m for m in turn.messages if self.admit(m)]
        if turn.injection is not None:
            self.note(turn.injection, turn.at)
        self.last_at = max(self.last_at, turn.at)
        return len(fresh)

    def admit(self, message: Message) -> bool:
        if message.key in self.places or message.external_id in self.external:
            return False
        self.places[message.key] = len(self.messages)
        if message.external_id is not None:
            self.external.add(message.external_id)
        self.messages.append(message)
        return True

    def note(self, entry: Injection, at: datetime) -> bool:
        if entry.anchor in self.ledger:
            return False
        self.ledger[entry.anchor] = replace(entry, created_at=entry.created_at or at)
        return True

    def listed(self) -> Session:
        return Session(self.id, self.process, len(self.messages), self.created_at, self.last_at)


@dataclass(slots=True)
class StoredEntity:
    born: int
    """Microseconds since 1970."""
    version: int
    sessions: dict[str, StoredSession] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    triples: dict[str, Triple] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    augmented: set[str] = field(default_factory=set)
    numbers: int = 0

    def holds(self, turn: Turn) -> bool:
        """Whether what the turn's injection tells may still be told."""
        if turn.injection is None or turn.seen in (0, self.version):
            return True
        given = turn.injection
        known = [self.facts.get(fact_id) for fact_id in given.facts]
        return all(
            fact is not None
            and fact.state is not FactState.FORGOTTEN
            and not (fact.authored and fact.version > turn.seen and not given.tells(fact.text))
            for fact in known
        )

    def apply(self, change: MemoryWrite) -> None:
        self.version += 1
        self.triples = {key: t for key, t in self.triples.items() if t.fact_id not in change.untied}
        self.triples |= {t.id: t for t in change.triples if t.id not in self.triples}
        self.events |= {e.id: e for e in change.events if e.id not in self.events}
        self.augmented.update(change.augmented)
        for fact in change.facts:
            self._put(fact)
            if fact.state is FactState.FORGOTTEN:
                self._forget(fact.id)
        if change.unsaid:
            self.events = {key: _silenced(e, change.unsaid) for key, e in self.events.items()}
        if change.struck:
            ids = {fact.id for fact in change.facts}
            for session in self.sessions.values():
                session.ledger = {anchor: entry.without(change.struck, ids) for anchor, entry in session.ledger.items()}

    def _put(self, fact: Fact) -> None:
        stored = self.facts.get(fact.id)
        if stored is None:
            self.numbers += 1
        number = self.numbers if stored is None else stored.number
        sources = {s.message_id: s for s in (*fact.sources, *(stored.sources if stored else ()))}
        ordered = tuple(sources[key] for key in sorted(sources))
        self.facts[fact.id] = replace(fact, number=number, sources=ordered, version=self.version)

    def _forget(self, fact_id: str) -> None:
        self.triples = {key: t for key, t in self.triples.items() if t.fact_id != fact_id}
        for event in [e for e in self.events.values() if e.fact_id == fact_id]:
            self.events[event.id] = replace(event, before=None, after=None)

    def restore(self, rows: Sequence[Kept]) -> int:
        self.version += 1
        return sum([self._take(kept) for kept in rows])

    def _take(self, kept: Kept) -> bool:
        row = kept.row
        match row:
            case Message():
                added = self._session(kept, row.created_at).admit(row)
                if added and kept.augmented:
                    self.augmented.add(row.id)
                return added
            case Injection():
                at = row.created_at or datetime.now(UTC)
                return self._session(kept, at).note(row, at)
            case Session():
                return _added(self.sessions, row.id, StoredSession(row.id, row.process, row.created_at, row.last_at))
            case Fact():
                fresh = row.id not in self.facts
                if fresh:
                    self._put(row)
                return fresh
            case Triple():
                return not self._forgot(row.fact_id) and _added(self.triples, row.id, row)
            case Event():
                told = replace(row, before=None, after=None) if self._forgot(row.fact_id) else row
                return _added(self.events, row.id, told)

    def _forgot(self, fact_id: str) -> bool:
        fact = self.facts.get(fact_id)
        return fact is not None and fact.state is FactState.FORGOTTEN

    def _session(self, kept: Kept, at: datetime) -> StoredSession:
        assert kept.session is not None
        return self.sessions.setdefault(kept.session, StoredSession(kept.session, None, at, at))

    def kept(self) -> Iterator[tuple[Place, Kept]]:
        """Every row with its place in an archive."""
        for name, session in self.sessions.items():
            yield (0, name, 0), Kept(session.listed())
            for place, message in enumerate(session.messages):
                yield (1, name, place), Kept(message, name, message.id in self.augmented)
            for place, entry in enumerate(session.ledger.values()):
                yield (2, name, place), Kept(entry, name)
        for fact in self.facts.values():
            yield (3, "", fact.number), Kept(fact)
        for triple in self.triples.values():
            yield (4, triple.id, 0), Kept(triple)
        for event in self.events.values():
            yield (5, event.id, 0), Kept(event)

    def listed(self, name: str) -> Entity:
        spoken = [session for session in self.sessions.values() if session.messages]
        current = (fact.kind for fact in self.facts.values() if fact.state is FactState.CURRENT)
        return Entity(
            name,
            _EPOCH + timedelta(microseconds=self.born),
            max((session.last_at for session in spoken), default=None),
            sessions=len(self.sessions),
            messages=sum(len(session.messages) for session in spoken),
            facts=dict(Counter(current)),
            version=self.version,
        )


def _added(rows: dict[str, T], key: str, row: T) -> bool:
    before = len(rows)
    rows.setdefault(key, row)
    return len(rows) > before


def _silenced(event: Event, unsaid: Sequence[str]) -> Event:
    before = None if event.before in unsaid else event.before
    return replace(event, before=before, after=None if event.after in unsaid else event.after)
