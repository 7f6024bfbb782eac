"""A store in plain dicts, with the semantics of every `Store`: for tests, and for trying things without a disk.

Set `fault` to an error and every verb raises it until it is set to None again: a store that is away.
Text that not every database can hold (NUL, lone surrogates) comes back as U+FFFD here too, so that tests see what
a real store would give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

from memproxy.domain import (
    ANCHOR,
    ApiKey,
    Changes,
    Committed,
    Event,
    Fact,
    FactState,
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
from memproxy.storable import check_ids
from memproxy.testing.listing import newest_page, numbered_page, oldest_page
from memproxy.testing.memory_archive import MemoryArchive
from memproxy.testing.memory_rows import StoredEntity, StoredSession
from memproxy.testing.storable import storable


class MemoryStore(MemoryArchive):
    """A `Store` that forgets when it is dropped."""

    def __init__(self) -> None:
        super().__init__()
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
        entries = found.ledger.values() if found else ()
        ledger = tuple(replace(entry, receipt=b"{}") for entry in entries if len(entry.anchor) == ANCHOR)
        found_ids = frozenset(one for one in ids if any(one in s.external for s in entity.sessions.values()))
        return Known(entity.version, name, held, ledger, sum(entry.tokens for entry in ledger), found_ids)

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        self._reach()
        for turn in turns:
            check_ids(turn.scope.tenant, turn.scope.entity, turn.scope.process, turn.session)
        committed = []
        for turn in storable(tuple(turns)):
            entity = self._entity(turn.scope)
            sessions = entity.sessions
            if turn.injection is not None and not entity.holds(turn):
                turn = replace(turn, injection=turn.injection.emptied())
            fresh = StoredSession(turn.session, turn.scope.process, turn.at, turn.at)
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
        found = [session.listed() for session in self._peek(scope).sessions.values()]
        return newest_page(found, cursor, limit)

    # Memory

    async def changes(self, scope: Scope, *, since: int) -> Changes:
        self._reach()
        entity = self._peek(scope)
        touched = self._facts(scope, lambda fact: fact.version > since)
        return Changes(entity.version, tuple(touched), entity.born)

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        self._reach()
        check_ids(scope.tenant, scope.entity, scope.process)
        change = storable(change)
        version = self._peek(scope).version
        if change.expected is not None and change.expected != version:
            raise Conflict(f"The memory is at version {version}, not {change.expected}: read it again.")
        entity = self._entity(scope)
        entity.apply(change)
        return entity.version

    async def about(
        self, scope: Scope, *, attributes: Sequence[str], statements: Sequence[tuple[str, str]]
    ) -> Sequence[Fact]:
        self._reach()
        all_of, exactly = set(storable(tuple(attributes))), set(storable(tuple(statements)))
        return self._facts(scope, lambda f: f.attribute in all_of or (f.attribute, f.value) in exactly)

    async def fetch(self, scope: Scope, ids: Sequence[str]) -> Sequence[Fact]:
        self._reach()
        wanted = set(ids)
        return self._facts(scope, lambda fact: fact.id in wanted)

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
        self._reach()
        words = storable(text or "").casefold()
        asked = self._facts(
            scope,
            lambda fact: (
                (not states or fact.state in states)
                and (not kinds or fact.kind in kinds)
                and words in fact.text.casefold()
            ),
        )
        return numbered_page(asked, cursor, limit, number=lambda fact: fact.number)

    async def history(self, scope: Scope, fact_id: str) -> Sequence[Event]:
        self._reach()
        changes = (event for event in self._peek(scope).events.values() if event.fact_id == fact_id)
        return sorted(changes, key=lambda event: (event.at, event.id))

    def triples(self, scope: Scope) -> Sequence[Triple]:
        return tuple(self._peek(scope).triples.values())

    def _facts(self, scope: Scope, wanted: Callable[[Fact], bool]) -> list[Fact]:
        return sorted(filter(wanted, self._peek(scope).facts.values()), key=lambda fact: fact.number)

    # Keys

    async def tenants(self) -> Sequence[str]:
        self._reach()
        return sorted({*(tenant for tenant, _ in self._entities), *(key.tenant for key in self._keys.values())})

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

    def _messages(self, scope: Scope, session: str) -> list[Message]:
        found = self._peek(scope).sessions.get(session)
        return found.messages if found else []


def _named(entity: StoredEntity, ids: Sequence[str]) -> str | None:
    holding = [s for s in entity.sessions.values() if not s.external.isdisjoint(ids)]
    return max(holding, key=lambda s: (s.last_at, s.created_at, s.id)).id if holding else None


def _recognise(entity: StoredEntity, pairs: Sequence[bytes]) -> str | None:
    for pair in pairs:
        holding = [s for s in entity.sessions.values() if pair in s.places]
        if holding:
            return max(holding, key=lambda s: s.rank(pair)).id
    return None
