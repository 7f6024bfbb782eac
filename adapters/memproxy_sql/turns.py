"""Reading for `Turns`: what a request needs to know, and the lists of sessions and messages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, bindparam, desc, false, literal_column, or_, select
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

_entity, _session, _message, _injection = (tables[t] for t in ("entity", "session", "message", "injection"))


def of_entity(table: Table) -> ColumnElement[bool]:
    return (table.c.tenant_id == bindparam("tenant_id")) & (table.c.entity_id == bindparam("entity_id"))


def of_session(table: Table) -> ColumnElement[bool]:
    return of_entity(table) & (table.c.session_id == bindparam("session_id"))


_version = Prepared(
    select(_entity.c.version).where(
        _entity.c.tenant_id == bindparam("tenant_id"), _entity.c.id == bindparam("entity_id")
    )
)
_held = Among(_message, "key", within=["tenant_id", "entity_id"])
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
    select(_session.c.last_at, _session.c.created_at, _message.c.external_id, _session.c.id)
    .join_from(_message, _session, _same_session)
    .where(of_entity(_message), _message.c.external_id == bindparam("external_id"))
)
_ledger = Prepared(
    select(*(_injection.c[name] for name in INJECTION_COLUMNS))
    .where(of_session(_injection), sql.length(_injection.c.anchor) == literal_column(str(ANCHOR)))
    .order_by(_injection.c.position)
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
    of = owner(scope)
    version = _version.value(conn, of)
    if version is None:
        return Known(session=session)
    held = _holding(conn, scope, keys)
    named = _named(conn, scope, ids)
    if session is None and named:
        session = max(named)[-1]
    if session is None:
        session = _recognise(conn, scope, pairs, held if set(pairs) <= set(keys) else _holding(conn, scope, pairs))
    if session is None:
        return Known(version, None, held)
    ledger = tuple(map(read_injection, _ledger.rows(conn, of | {"session_id": session})))
    tokens = sum([given.tokens for given in ledger])
    return Known(version, session, held, ledger, tokens, frozenset(external_id for *_, external_id, _ in named))


def _holding(conn: Connection, scope: Scope, keys: Sequence[bytes]) -> frozenset[bytes]:
    found = _held.rows(conn, [(key,) for key in keys], [scope.tenant, scope.entity])
    return frozenset([key for (key,) in found])


def _named(conn: Connection, scope: Scope, ids: Sequence[str]) -> list[tuple[int, int, str, str]]:
    """Sessions holding a message of these ids: last and first time, the message's id, the session's."""
    return [tuple(row) for one in ids for row in _external.rows(conn, owner(scope) | {"external_id": clean(one)})]


def _recognise(conn: Connection, scope: Scope, pairs: Sequence[bytes], held: frozenset[bytes]) -> str | None:
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
