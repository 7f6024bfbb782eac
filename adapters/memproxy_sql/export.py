"""Everything stored of an entity, page by page, as an archive carries it.

An archive has six parts, one after another. A part is read in the order of a key, so a page costs what it shows; only
the ledger of a session is sorted as a whole, whatever of it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Table, bindparam, select, tuple_
from sqlalchemy import func as sql

from memproxy.domain import Kept, Page, Scope
from memproxy_sql import cursors
from memproxy_sql.fact_rows import EVENT_COLUMNS, TRIPLE_COLUMNS, read_event, read_triple
from memproxy_sql.facts import FACTS, with_sources
from memproxy_sql.models import tables
from memproxy_sql.prepared import Prepared
from memproxy_sql.rows import (
    INJECTION_COLUMNS,
    MESSAGE_COLUMNS,
    SESSION_COLUMNS,
    Read,
    owner,
    read_injection,
    read_message,
    read_session,
)
from memproxy_sql.turns import of_entity

_session, _message, _injection = tables["session"], tables["message"], tables["injection"]
_fact, _triple, _event = tables["fact"], tables["triple"], tables["event"]

Place = tuple[int, str]
"""Of a row in its part: number and name."""

_START: Place = (-1, "")


class _Part(NamedTuple):
    after: Prepared
    """Takes the place of the last row shown."""
    read: Callable[[Connection, Scope, Sequence[Read]], Iterator[tuple[Place, Kept]]]


def _named(table: Table, columns: Sequence[str]) -> Prepared:
    """Rows in the order of their id."""
    rows = select(*(table.c[name] for name in columns)).where(of_entity(table), table.c.id > bindparam("name"))
    return Prepared(rows.order_by(table.c.id).limit(bindparam("limit")))


def _said(table: Table, columns: Sequence[str]) -> Prepared:
    """Rows in the order of their session and their place in it, which come first."""
    place = (table.c.session_id, table.c.position)
    later = tuple_(*place) > tuple_(bindparam("name"), bindparam("number"))
    rows = select(*place, *(table.c[name] for name in columns)).where(of_entity(table), later)
    return Prepared(rows.order_by(*place).limit(bindparam("limit")))


def _read_sessions(conn: Connection, scope: Scope, rows: Sequence[Read]) -> Iterator[tuple[Place, Kept]]:
    for row in rows:
        yield (0, row[0]), Kept(read_session(row))


def _read_messages(conn: Connection, scope: Scope, rows: Sequence[Read]) -> Iterator[tuple[Place, Kept]]:
    for session, position, augmented, *row in rows:
        yield (position, session), Kept(read_message(row), session, bool(augmented))


def _read_injections(conn: Connection, scope: Scope, rows: Sequence[Read]) -> Iterator[tuple[Place, Kept]]:
    for session, position, receipt, *row in rows:
        yield (position, session), Kept(read_injection(row, receipt), session)


def _read_facts(conn: Connection, scope: Scope, rows: Sequence[Read]) -> Iterator[tuple[Place, Kept]]:
    for fact in with_sources(conn, scope, rows):
        yield (fact.number, ""), Kept(fact)


def _read_triples(conn: Connection, scope: Scope, rows: Sequence[Read]) -> Iterator[tuple[Place, Kept]]:
    for row in rows:
        yield (0, row[0]), Kept(read_triple(row))


def _read_events(conn: Connection, scope: Scope, rows: Sequence[Read]) -> Iterator[tuple[Place, Kept]]:
    for row in rows:
        yield (0, row[0]), Kept(read_event(row))


_later = FACTS.where(of_entity(_fact), _fact.c.number > bindparam("number")).order_by(_fact.c.number)
_PARTS = (
    _Part(_named(_session, SESSION_COLUMNS), _read_sessions),
    _Part(_said(_message, ("augmented", *MESSAGE_COLUMNS)), _read_messages),
    _Part(_said(_injection, ("receipt", *INJECTION_COLUMNS)), _read_injections),
    _Part(Prepared(_later.limit(bindparam("limit"))), _read_facts),
    _Part(_named(_triple, TRIPLE_COLUMNS), _read_triples),
    _Part(_named(_event, EVENT_COLUMNS), _read_events),
)
_counts = [
    Prepared(select(sql.count()).select_from(table).where(of_entity(table)))
    for table in (_session, _message, _injection, _fact, _triple, _event)
]


def export(conn: Connection, scope: Scope, cursor: str | None, limit: int) -> Page[Kept]:
    of = owner(scope)
    if cursor is None:
        part, (number, name), total = 0, _START, sum(count.value(conn, of) for count in _counts)
    else:
        part, total, number, name = cursors.place(cursor)
    found: list[tuple[str, Kept]] = []
    while part < len(_PARTS) and len(found) <= limit:
        after, read = _PARTS[part]
        rows = after.rows(conn, of | {"number": number, "name": name, "limit": limit + 1 - len(found)})
        found += [(f"{part} {total} {at} {called}", kept) for (at, called), kept in read(conn, scope, rows)]
        part, (number, name) = part + 1, _START
    return cursors.page(found, limit, total, read=lambda row: row[1], cursor=lambda row: row[0])
