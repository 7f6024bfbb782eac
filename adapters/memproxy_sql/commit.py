"""The group commit: a batch of turns becomes rows in one transaction.

What the sessions of the batch hold is read first; Python decides what is new; then each table gets one statement.
So sixteen turns cost about as many statements as one, and a turn that comes a second time adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from memproxy.domain import Committed, Injection, Job, Message, Scope, Turn
from memproxy.storable import check_ids, clean, micros
from memproxy_sql.dialect import insert_new
from memproxy_sql.ledger import told
from memproxy_sql.locks import hold
from memproxy_sql.models import tables
from memproxy_sql.names import name_scopes
from memproxy_sql.prepared import Among, Prepared
from memproxy_sql.rows import Row, injection_row, job_row, message_row, session_row, usage_row

_session, _message, _injection = tables["session"], tables["message"], tables["injection"]

Place = tuple[str, str, str]
"""Tenant, entity and session."""


_sessions = Among(_session, "tenant_id", "entity_id", "id", also=["process_id", "messages", "injections", "last_at"])
_keys = Among(_message, "tenant_id", "entity_id", "key", "session_id")
_external_ids = Among(_message, "tenant_id", "entity_id", "session_id", "external_id")
_anchors = Among(_injection, "tenant_id", "entity_id", "session_id", "anchor")

_new = {name: Prepared(insert_new(tables[name])) for name in ("session", "message", "injection", "usage", "job")}
_counters = Prepared(
    update(_session)
    .where(
        _session.c.tenant_id == bindparam("of_tenant"),
        _session.c.entity_id == bindparam("of_entity"),
        _session.c.id == bindparam("of_session"),
    )
    .values({name: bindparam(name) for name in ("messages", "injections", "last_at")})
)


@dataclass(slots=True)
class Filling:
    """A session as the batch fills it."""

    process: str | None = None
    messages: int = 0
    injections: int = 0
    last_at: int = 0
    new: bool = True
    held: set[bytes | str | None] = field(default_factory=set)
    """Keys and external ids; they differ in type."""
    anchors: set[bytes] = field(default_factory=set)

    def admits(self, message: Message) -> bool:
        external_id = None if message.external_id is None else clean(message.external_id)
        if message.key in self.held or (external_id is not None and external_id in self.held):
            return False
        self.held.update((message.key, external_id))
        return True


def commit(conn: Connection, turns: Sequence[Turn]) -> list[Committed]:
    for turn in turns:
        check_ids(turn.scope.tenant, turn.scope.entity, turn.scope.process, turn.session)
    hold(conn, {turn.scope for turn in turns})
    turns = told(conn, turns)
    batch = Batch(filled(conn, turns))
    committed = [Committed(batch.add(turn)) for turn in turns]
    batch.store(conn)
    return committed


def enqueue(conn: Connection, jobs: Sequence[Job]) -> None:
    _new["job"].each(conn, [job_row(job) for job in jobs])


def _place(turn: Turn) -> Place:
    return (turn.scope.tenant, turn.scope.entity, turn.session)


def filled(conn: Connection, turns: Sequence[Turn]) -> dict[Place, Filling]:
    """The sessions of the batch, and of what the turns bring, what they hold already."""
    sessions = {_place(turn): Filling() for turn in turns}
    for tenant, entity, session, process, messages, injections, last_at in _sessions.rows(conn, list(sessions)):
        sessions[tenant, entity, session] = Filling(process, messages, injections, last_at, new=False)
    known = [turn for turn in turns if not sessions[_place(turn)].new]
    for tenant, entity, key, session in _keys.rows(conn, _keys_of(known)):
        sessions[tenant, entity, session].held.add(key)
    for tenant, entity, session, external_id in _external_ids.rows(conn, _external_ids_of(known)):
        sessions[tenant, entity, session].held.add(external_id)
    for tenant, entity, session, anchor in _anchors.rows(conn, _anchors_of(known)):
        sessions[tenant, entity, session].anchors.add(anchor)
    return sessions


def _keys_of(turns: Sequence[Turn]) -> list[tuple[object, ...]]:
    return [(t.scope.tenant, t.scope.entity, m.key, t.session) for t in turns for m in t.messages]


def _external_ids_of(turns: Sequence[Turn]) -> list[tuple[object, ...]]:
    named = ((turn, message.external_id) for turn in turns for message in turn.messages)
    return [(t.scope.tenant, t.scope.entity, t.session, clean(name)) for t, name in named if name is not None]


def _anchors_of(turns: Sequence[Turn]) -> list[tuple[object, ...]]:
    given = ((turn, turn.injection) for turn in turns)
    return [(t.scope.tenant, t.scope.entity, t.session, entry.anchor) for t, entry in given if entry is not None]


class Batch:
    """The rows that are added, by table."""

    def __init__(self, sessions: dict[Place, Filling]) -> None:
        self._sessions = sessions
        self._scopes: set[Scope] = set()
        self._rows: dict[str, list[Row]] = {name: [] for name in _new}

    def add(self, turn: Turn) -> int:
        """How many of its messages are new."""
        scope, session = turn.scope, turn.session
        self.open(scope, session, turn.at)
        self.move(scope, session, turn.at)
        if turn.injection is not None:
            self.note(scope, session, turn.injection, at=turn.at)
        if turn.usage is not None:
            self._rows["usage"].append(usage_row(turn, turn.usage))
        self._rows["job"] += [job_row(job) for job in turn.jobs]
        return sum([self.say(scope, session, message) for message in turn.messages])

    def open(self, scope: Scope, name: str, created_at: datetime) -> bool:
        """Whether the session is new."""
        session = self._sessions[scope.tenant, scope.entity, name]
        new = session.new
        if new or scope.process != session.process:
            self._scopes.add(scope)
        if new:
            session.new, session.process = False, scope.process
            self._rows["session"].append(session_row(scope, name, created_at))
            session.last_at = micros(created_at)
        return new

    def move(self, scope: Scope, name: str, last_at: datetime) -> None:
        session = self._sessions[scope.tenant, scope.entity, name]
        session.last_at = max(session.last_at, micros(last_at))

    def say(self, scope: Scope, name: str, message: Message, *, augmented: bool = False) -> bool:
        """Whether the session did not hold the message."""
        session = self._sessions[scope.tenant, scope.entity, name]
        new = session.admits(message)
        if new:
            row = message_row(scope, name, message, position=session.messages, augmented=augmented)
            self._rows["message"].append(row)
            session.messages += 1
        return new

    def note(self, scope: Scope, name: str, given: Injection, *, at: datetime) -> bool:
        """Whether the session's ledger did not hold the entry."""
        session = self._sessions[scope.tenant, scope.entity, name]
        new = given.anchor not in session.anchors
        if new:
            session.anchors.add(given.anchor)
            self._rows["injection"].append(injection_row(scope, name, given, position=session.injections, at=at))
            session.injections += 1
        return new

    def store(self, conn: Connection) -> None:
        if self._scopes:
            name_scopes(conn, self._scopes)
        for table, rows in self._rows.items():
            _new[table].each(conn, rows)
        _counters.each(conn, [self._counters(place) for place in self._sessions])

    def _counters(self, place: Place) -> Row:
        tenant, entity, name = place
        session = self._sessions[place]
        return {
            "of_tenant": tenant,
            "of_entity": entity,
            "of_session": name,
            "messages": session.messages,
            "injections": session.injections,
            "last_at": session.last_at,
        }
