"""Reading for `Turns`: what a request needs to know, and the lists of sessions and messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, Table, bindparam, desc, false, or_, select
from sqlalchemy import func as sql

from memproxy.domain import ANCHOR, Known, Message, Page, Scope, Session
from memproxy.storable import check_ids, clean
from memproxy_sql import cursors
from memproxy_sql.models import tables
from memproxy_sql.prepared import Among, Prepared
from memproxy_sql.rows import (
    INJECTION_COLUMNS,
    MESSAGE_COLUMNS,
    SESSION_COLUMNS,
    owner,
    read_injection,
    read_message,
    read_session,
)
from memproxy_sql.together import AmongEach

_entity, _session, _message, _injection = (tables[t] for t in ("entity", "session", "message", "injection"))


def of_entity(table: Table) -> ColumnElement[bool]:
    return (table.c.tenant_id == bindparam("tenant_id")) & (table.c.entity_id == bindparam("entity_id"))


def of_session(table: Table) -> ColumnElement[bool]:
    return of_entity(table) & (table.c.session_id == bindparam("session_id"))


_ledger = Among(
    _injection,
    "session_id",
    also=[*INJECTION_COLUMNS, "position"],
    within=["tenant_id", "entity_id"],
    then=f" AND length(injection.anchor) = {ANCHOR}",
)
_known = AmongEach(
    Among(_entity, "tenant_id", "id", also=["version"]),
    Among(_message, "key", within=["tenant_id", "entity_id"]),
    Among(_message, "external_id", within=["tenant_id", "entity_id"]),
    _ledger,
)
_same_session = (
    (_session.c.tenant_id == _message.c.tenant_id)
    & (_session.c.entity_id == _message.c.entity_id)
    & (_session.c.id == _message.c.session_id)
)
_recognised = Prepared(
    select(_session.c.id)
    .join_from(_message, _session, _same_session)
    .where(of_entity(_message), _message.c.key == bindparam("pair"))
    .order_by(
        desc(_message.c.position == _session.c.messages - 1),
        _session.c.last_at.desc(),
        _session.c.created_at.desc(),
        _session.c.id.desc(),
    )
    .limit(1)
)
_external = Prepared(
    select(_session.c.last_at, _session.c.created_at, _session.c.id)
    .join_from(_message, _session, _same_session)
    .where(of_entity(_message), _message.c.external_id == bindparam("external_id"))
)
_in_order = (
    select(*(_message.c[name] for name in MESSAGE_COLUMNS), _message.c.position)
    .where(of_session(_message))
    .order_by(_message.c.position)
    .limit(bindparam("limit"))
)
_messages = Prepared(_in_order.where(_message.c.position >= bindparam("position")))
_unaugmented = Prepared(_in_order.where(_message.c.augmented == false()))
_message_count = Prepared(
    select(_session.c.messages).where(of_entity(_session), _session.c.id == bindparam("session_id"))
)
_sessions = Prepared(
    select(*(_session.c[name] for name in SESSION_COLUMNS))
    .where(
        of_entity(_session),
        or_(
            _session.c.created_at < bindparam("time"),
            (_session.c.created_at == bindparam("time")) & (_session.c.id < bindparam("last_id")),
        ),
    )
    .order_by(_session.c.created_at.desc(), _session.c.id.desc())
    .limit(bindparam("limit"))
)
_session_count = Prepared(select(sql.count()).select_from(_session).where(of_entity(_session)))


def look(
    conn: Connection,
    scope: Scope,
    session: str | None,
    keys: Sequence[bytes],
    pairs: Sequence[bytes],
    ids: Sequence[str],
) -> Known:
    check_ids(scope.tenant, scope.entity, session)
    place = (scope.tenant, scope.entity)
    wanted: list[tuple[object, ...]] = (
        [(key,) for key in {*keys, *pairs}] if session is None else [(key,) for key in keys]
    )
    asked: list[list[tuple[object, ...]]] = [
        [place],
        wanted,
        [(clean(one),) for one in ids],
        [] if session is None else [(session,)],
    ]
    entity, found, named, ledger = _known.rows(conn, asked, place)
    if not entity:
        return Known(session=session)
    version, holding = entity[0][-1], {key for (key,) in found}
    if session is None:
        session = _named(conn, scope, {one for (one,) in named}) or _recognise(conn, scope, pairs, holding)
        ledger = _ledger.rows(conn, [(session,)], place) if session is not None else []
    given = tuple([read_injection(row) for _, *row, _ in sorted(ledger, key=itemgetter(-1))])
    tokens = sum([entry.tokens for entry in given])
    held = frozenset(holding.intersection(keys))
    return Known(version, session, held, given, tokens, frozenset(one for (one,) in named))


def _named(conn: Connection, scope: Scope, ids: Collection[str]) -> str | None:
    """The newest session that holds a message of these ids."""
    found = [tuple(row) for one in ids for row in _external.rows(conn, owner(scope) | {"external_id": one})]
    return max(found)[-1] if found else None


def _recognise(conn: Connection, scope: Scope, pairs: Sequence[bytes], held: Collection[bytes]) -> str | None:
    newest = next((pair for pair in pairs if pair in held), None)
    if newest is None:
        return None
    found: str | None = _recognised.value(conn, owner(scope) | {"pair": newest})
    return found


def messages(conn: Connection, scope: Scope, session: str, cursor: str | None, limit: int) -> Page[Message]:
    place = owner(scope) | {"session_id": session}
    found = _messages.rows(conn, place | {"position": cursors.position(cursor), "limit": limit + 1})
    total = _message_count.value(conn, place) or 0
    return cursors.page(found, limit, total, read=read_message, cursor=lambda row: str(row[-1] + 1))


def unaugmented(conn: Connection, scope: Scope, session: str, limit: int) -> list[Message]:
    found = _unaugmented.rows(conn, owner(scope) | {"session_id": session, "limit": limit})
    return list(map(read_message, found))


def sessions(conn: Connection, scope: Scope, cursor: str | None, limit: int) -> Page[Session]:
    time, last_id = cursors.newest(cursor)
    found = _sessions.rows(conn, owner(scope) | {"time": time, "last_id": last_id, "limit": limit + 1})
    total = _session_count.value(conn, owner(scope))
    return cursors.page(found, limit, total, read=read_session, cursor=lambda row: f"{row[3]} {row[0]}")
