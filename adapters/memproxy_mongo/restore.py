"""Taking the rows of an archive in; those that are there already stay as they are.

What was said is taken in turn by turn, and then what was learned, in one change. A process that dies half-way leaves
the first of it; taking the same rows in again adds the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import count

from memproxy.domain import Event, Fact, Injection, Kept, Message, Scope, Session, Triple
from memproxy.errors import StoreUnavailable
from memproxy.storable import check_ids, micros
from memproxy_mongo import memory
from memproxy_mongo.commit import begin, store
from memproxy_mongo.driver import Database
from memproxy_mongo.filling import Filling
from memproxy_mongo.tails import Recent

_MESSAGES = 200
"""Of one session, in one document."""

_SESSIONS = 32
"""To take turns of at once."""

_TRIES = 100


async def restore(db: Database, recent: Recent, scope: Scope, rows: Sequence[Kept]) -> int:
    check_ids(scope.tenant, scope.entity, scope.process, *(name for kept in rows for name in kept.ids))
    sessions: dict[str, list[Kept]] = {}
    for kept in rows:
        if isinstance(kept.row, Session | Message | Injection):
            sessions.setdefault(_session(kept), []).append(kept)
    added = await _take_in(db, recent, scope, sessions)
    learned = [kept.row for kept in rows]
    facts = [row for row in learned if isinstance(row, Fact)]
    triples = [row for row in learned if isinstance(row, Triple)]
    events = [row for row in learned if isinstance(row, Event)]
    return added + await memory.add(db, scope, facts, triples, events)


async def _take_in(db: Database, recent: Recent, scope: Scope, sessions: Mapping[str, Sequence[Kept]]) -> int:
    """Rows by session, each in turns of one entry at most; one turn of each session at a time."""
    added, left, tries = 0, dict(sessions), _TRIES
    while left and tries:
        pieces = {name: _first_turn(rows) for name, rows in list(left.items())[:_SESSIONS]}
        new = await _store(db, recent, scope, pieces)
        added += sum(new.values())
        left |= {name: left[name][len(pieces[name]) :] for name in new}
        left = {name: rows for name, rows in left.items() if rows}
        tries = _TRIES if new else tries - 1
    if left:
        raise StoreUnavailable(f"Too many write to one session of the database {db.place} at once; try again.")
    return added


def _first_turn(rows: Sequence[Kept]) -> Sequence[Kept]:
    entries = 0
    for place, kept in zip(count(), rows, strict=False):
        entries += isinstance(kept.row, Injection)
        if entries > 1 or place == _MESSAGES:
            return rows[:place]
    return rows


async def _store(db: Database, recent: Recent, scope: Scope, pieces: Mapping[str, Sequence[Kept]]) -> Mapping[str, int]:
    """How many rows of each were new; those that must begin anew are left out."""
    name = (scope.tenant, scope.entity)
    life = (await recent.named(db, {name}))[name]
    sessions = {place: begin(recent, life, session) for place, session in enumerate(pieces)}
    new = {place: sum([_restored(f, kept) for kept in pieces[f.name]]) for place, f in sessions.items()}
    made = {
        place: session.document(at=micros(_begun(pieces[session.name][0]))) if new[place] else None
        for place, session in sessions.items()
    }
    return {sessions[place].name: new[place] for place in await store(db, recent, sessions, made)}


def _restored(session: Filling, kept: Kept) -> bool:
    """Whether the row is new. A session that the archive does not hold begins with its first row."""
    opened = session.open(kept.row.process if isinstance(kept.row, Session) else None, _begun(kept))
    match kept.row:
        case Session() as row:
            if opened:
                session.last = micros(row.last_at)
            return opened
        case Message() as message:
            return session.say(message, augmented=kept.augmented)
        case Injection() as entry:
            return session.note(entry)
    return False


def _session(kept: Kept) -> str:
    if isinstance(kept.row, Session):
        return kept.row.id
    assert kept.session is not None
    return kept.session


def _begun(kept: Kept) -> datetime:
    assert isinstance(kept.row, Session | Message | Injection)
    return kept.row.created_at or datetime.now(UTC)
