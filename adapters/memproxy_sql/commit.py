"""The group commit: a batch of turns becomes rows in one transaction.

The entities are locked; what the sessions of the batch hold is read; Python decides what is new, and that is stored.
So sixteen turns cost as many statements as one, and a turn that comes a second time adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from memproxy.domain import Committed, Injection, Job, Message, Scope, Turn
from memproxy.storable import check_ids, clean, micros
from memproxy_sql.dialect import insert_new
from memproxy_sql.ledger import told
from memproxy_sql.locks import hold
from memproxy_sql.models import tables
from memproxy_sql.names import name_scopes
from memproxy_sql.prepared import Among, Prepared
from memproxy_sql.rows import Row, injection_row, job_row, message_row, usage_row
from memproxy_sql.together import AmongEach, IntoEach

_session, _message, _injection, _job = (tables[name] for name in ("session", "message", "injection", "job"))

Place = tuple[str, str, str]
"""Tenant, entity and session."""

_COUNTED = ("messages", "injections", "last_at")

_held = AmongEach(
    Among(_session, "tenant_id", "entity_id", "id", also=["process_id", "created_at", *_COUNTED]),
    Among(_message, "tenant_id", "entity_id", "key", "session_id"),
    Among(_message, "tenant_id", "entity_id", "session_id", "external_id"),
    Among(_injection, "tenant_id", "entity_id", "session_id", "anchor"),
)
_new = IntoEach([_message, _injection, tables["usage"], _job, _session], renewed={"session": _COUNTED})
_queued = Prepared(insert_new(_job))


@dataclass(slots=True)
class Filling:
    """A session as the batch fills it."""

    new: bool = True
    process: str | None = None
    created_at: int = 0
    messages: int = 0
    injections: int = 0
    last_at: int = 0
    held: set[bytes | str | None] = field(default_factory=set)
    """Keys and external ids; they differ in type."""
    anchors: set[bytes] = field(default_factory=set)

    def row(self, place: Place) -> Row:
        tenant, entity, name = place
        return {
            "tenant_id": tenant,
            "entity_id": entity,
            "id": name,
            "process_id": self.process,
            "created_at": self.created_at,
            "messages": self.messages,
            "injections": self.injections,
            "last_at": self.last_at,
        }

    def admits(self, message: Message) -> bool:
        external_id = None if message.external_id is None else clean(message.external_id)
        if message.key in self.held or (external_id is not None and external_id in self.held):
            return False
        self.held.update((message.key, external_id))
        return True


def commit(conn: Connection, turns: Sequence[Turn]) -> list[Committed]:
    for turn in turns:
        check_ids(turn.scope.tenant, turn.scope.entity, turn.scope.process, turn.session)
    turns = told(conn, turns, hold(conn, {turn.scope for turn in turns}))
    batch = Batch(filled(conn, turns))
    committed = [Committed(batch.add(turn)) for turn in turns]
    batch.store(conn)
    return committed


def enqueue(conn: Connection, jobs: Sequence[Job]) -> None:
    _queued.each(conn, [job_row(job) for job in jobs])


def _place(turn: Turn) -> Place:
    return (turn.scope.tenant, turn.scope.entity, turn.session)


def filled(conn: Connection, turns: Sequence[Turn]) -> dict[Place, Filling]:
    """The sessions of the batch, and of what the turns bring, what they hold already."""
    sessions = {_place(turn): Filling() for turn in turns}
    asked: list[list[tuple[object, ...]]] = [
        list(sessions),
        _keys_of(turns),
        _external_ids_of(turns),
        _anchors_of(turns),
    ]
    found, keys, external_ids, anchors = _held.rows(conn, asked)
    for tenant, entity, session, *stored in found:
        sessions[tenant, entity, session] = Filling(False, *stored)
    for tenant, entity, key, session in keys:
        sessions[tenant, entity, session].held.add(key)
    for tenant, entity, session, external_id in external_ids:
        sessions[tenant, entity, session].held.add(external_id)
    for tenant, entity, session, anchor in anchors:
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
        self._rows: dict[str, list[Row]] = {name: [] for name in ("message", "injection", "usage", "job")}

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
            session.created_at = session.last_at = micros(created_at)
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
        sessions = [session.row(place) for place, session in self._sessions.items()]
        _new.put(conn, {**self._rows, "session": sessions})
