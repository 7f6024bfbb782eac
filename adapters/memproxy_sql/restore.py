"""Taking the rows of an archive in; those that are there already stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection

from memproxy.domain import Event, Fact, FactState, Injection, Kept, Message, Scope, Session, Triple, Turn
from memproxy.storable import check_ids
from memproxy_sql.commit import Batch, filled
from memproxy_sql.locks import hold
from memproxy_sql.memory import put_facts, put_history
from memproxy_sql.models import tables
from memproxy_sql.prepared import Among

T = TypeVar("T")

_stored = {name: Among(tables[name], "id", within=["tenant_id", "entity_id"]) for name in ("fact", "triple", "event")}

_states = Among(tables["fact"], "id", also=["state"], within=["tenant_id", "entity_id"])


def restore(conn: Connection, scope: Scope, rows: Sequence[Kept]) -> int:
    check_ids(scope.tenant, scope.entity, scope.process, *(name for kept in rows for name in kept.ids))
    hold(conn, [scope])
    learned = [kept.row for kept in rows]
    facts = _new(conn, scope, "fact", {row.id: row for row in learned if isinstance(row, Fact)})
    triples = _new(conn, scope, "triple", {row.id: row for row in learned if isinstance(row, Triple)})
    events = _new(conn, scope, "event", {row.id: row for row in learned if isinstance(row, Event)})
    put_facts(conn, scope, facts)
    gone = _forgotten(conn, scope, {row.fact_id for row in triples} | {row.fact_id for row in events})
    triples = [row for row in triples if row.fact_id not in gone]
    events = [replace(row, before=None, after=None) if row.fact_id in gone else row for row in events]
    put_history(conn, scope, triples, events)
    return _restore_sessions(conn, scope, rows) + len(facts) + len(triples) + len(events)


def _new(conn: Connection, scope: Scope, table: str, rows: Mapping[str, T]) -> list[T]:
    held = {name for (name,) in _stored[table].rows(conn, [(name,) for name in rows], (scope.tenant, scope.entity))}
    return [row for name, row in rows.items() if name not in held]


def _forgotten(conn: Connection, scope: Scope, ids: Collection[str]) -> set[str]:
    """An archive from before a fact was forgotten does not bring back what it said."""
    found = _states.rows(conn, [(fact_id,) for fact_id in ids], (scope.tenant, scope.entity))
    return {fact_id for fact_id, state in found if state == FactState.FORGOTTEN}


def _restore_sessions(conn: Connection, scope: Scope, rows: Sequence[Kept]) -> int:
    anyone = replace(scope, process=None)
    batch = Batch(filled(conn, [turn for kept in rows if (turn := _as_turn(anyone, kept)) is not None]))
    added = sum([_restore_said(batch, anyone, kept) for kept in rows])
    batch.store(conn)
    return added


def _as_turn(scope: Scope, kept: Kept) -> Turn | None:
    """What the row is about, for reading what of it is there."""
    match kept.row:
        case Session(id=session, created_at=at):
            return Turn(scope, session, "", at)
        case Message() as message:
            return Turn(scope, _session(kept), "", message.created_at, (message,))
        case Injection() as entry:
            return Turn(scope, _session(kept), "", _given_at(entry), injection=entry)
        case _:
            return None


def _restore_said(batch: Batch, scope: Scope, kept: Kept) -> bool:
    """Whether the row is new. A session that the archive does not hold begins with its first row."""
    match kept.row:
        case Session(id=session) as row:
            new = batch.open(replace(scope, process=row.process), session, row.created_at)
            if new:
                batch.move(scope, session, row.last_at)
            return new
        case Message() as message:
            batch.open(scope, _session(kept), message.created_at)
            return batch.say(scope, _session(kept), message, augmented=kept.augmented)
        case Injection() as entry:
            batch.open(scope, _session(kept), _given_at(entry))
            return batch.note(scope, _session(kept), entry, at=_given_at(entry))
        case _:
            return False


def _session(kept: Kept) -> str:
    assert kept.session is not None
    return kept.session


def _given_at(entry: Injection) -> datetime:
    return entry.created_at or datetime.now(UTC)
