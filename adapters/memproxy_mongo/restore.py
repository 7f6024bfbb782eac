"""Taking the rows of an archive in; those that are there already stay as they are.

What was said is taken in turn by turn, and then what was learned, in one change. A process that dies half-way leaves
the first of it; taking the same rows in again adds the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from memproxy.domain import Event, Fact, Injection, Kept, Message, Scope, Session, Triple, Turn
from memproxy.errors import StoreUnavailable
from memproxy.storable import check_ids, micros
from memproxy_mongo import lives, memory
from memproxy_mongo.commit import Filling, filled, store
from memproxy_mongo.driver import Database

_MESSAGES = 200
"""Of one session, in one document."""

_TRIES = 100


async def restore(db: Database, scope: Scope, rows: Sequence[Kept]) -> int:
    check_ids(scope.tenant, scope.entity, scope.process, *(name for kept in rows for name in kept.ids))
    sessions: dict[str, list[Kept]] = {}
    for kept in rows:
        if isinstance(kept.row, Session | Message | Injection):
            sessions.setdefault(_session(kept), []).append(kept)
    added = sum([await _take_in(db, scope, name, kept) for name, kept in sessions.items()])
    learned = [kept.row for kept in rows]
    facts = [row for row in learned if isinstance(row, Fact)]
    triples = [row for row in learned if isinstance(row, Triple)]
    events = [row for row in learned if isinstance(row, Event)]
    return added + await memory.add(db, scope, facts, triples, events)


async def _take_in(db: Database, scope: Scope, name: str, rows: Sequence[Kept]) -> int:
    """Rows of one session, in turns of one entry at most."""
    added, left = 0, list(rows)
    while left:
        piece = _first_turn(left)
        added += await _store(db, scope, name, piece)
        left = left[len(piece) :]
    return added


def _first_turn(rows: Sequence[Kept]) -> Sequence[Kept]:
    entries = 0
    for place, kept in zip(count(), rows, strict=False):
        entries += isinstance(kept.row, Injection)
        if entries > 1 or place == _MESSAGES:
            return rows[:place]
    return rows


async def _store(db: Database, scope: Scope, name: str, rows: Sequence[Kept]) -> int:
    said = tuple(kept.row for kept in rows if isinstance(kept.row, Message))
    given = next((kept.row for kept in rows if isinstance(kept.row, Injection)), None)
    asked = Turn(scope, name, "", _begun(rows[0]), said, given)
    for _ in range(_TRIES):
        life = await lives.named(db, scope)
        session = (await filled(db, {0: (life, asked)}))[0]
        new = sum([_restored(session, kept) for kept in rows])
        if not new or await store(db, {0: session}, {0: session.document(at=micros(asked.at))}):
            return new
    raise StoreUnavailable(f"Too many write to one session of the database {db.place} at once; try again.")


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
