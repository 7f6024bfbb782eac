"""Entities as their owner sees them: the list with its counts, and receipts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, case, or_, select
from sqlalchemy import func as sql

from memproxy.domain import Entity, FactState, Page, Receipt, Scope
from memproxy.storable import maybe_moment, moment
from memproxy_sql import cursors
from memproxy_sql.models import tables
from memproxy_sql.prepared import Prepared
from memproxy_sql.rows import INJECTION_COLUMNS, owner, read_injection
from memproxy_sql.turns import of_entity

_entity, _session, _fact, _injection = (tables[t] for t in ("entity", "session", "fact", "injection"))

_named = select(_entity.c.id, _entity.c.created_at, _entity.c.version).where(
    _entity.c.tenant_id == bindparam("tenant_id")
)
_one = Prepared(_named.where(_entity.c.id == bindparam("entity_id")))
_newest_first = Prepared(
    _named.where(
        or_(
            _entity.c.created_at < bindparam("time"),
            (_entity.c.created_at == bindparam("time")) & (_entity.c.id < bindparam("last_id")),
        )
    )
    .order_by(_entity.c.created_at.desc(), _entity.c.id.desc())
    .limit(bindparam("limit"))
)
_count = Prepared(select(sql.count()).select_from(_entity).where(_entity.c.tenant_id == bindparam("tenant_id")))
_spoken = Prepared(
    select(
        sql.count(),
        sql.coalesce(sql.sum(_session.c.messages), 0),
        sql.max(case((_session.c.messages > 0, _session.c.last_at))),
    ).where(of_entity(_session))
)
_current = Prepared(
    select(_fact.c.kind, sql.count())
    .where(of_entity(_fact), _fact.c.state == FactState.CURRENT.value)
    .group_by(_fact.c.kind)
)
_receipt = Prepared(
    select(
        _injection.c.entity_id,
        _session.c.process_id,
        _injection.c.session_id,
        _injection.c.receipt,
        *(_injection.c[name] for name in INJECTION_COLUMNS),
    )
    .join_from(
        _injection,
        _session,
        (_session.c.tenant_id == _injection.c.tenant_id)
        & (_session.c.entity_id == _injection.c.entity_id)
        & (_session.c.id == _injection.c.session_id),
    )
    .where(_injection.c.tenant_id == bindparam("tenant_id"), _injection.c.request_id == bindparam("request_id"))
    .order_by(_injection.c.created_at.desc(), _injection.c.position.desc())
    .limit(1)
)


def entities(conn: Connection, tenant: str, cursor: str | None, limit: int) -> Page[Entity]:
    time, last_id = cursors.newest(cursor)
    of = {"tenant_id": tenant}
    found = _newest_first.rows(conn, of | {"time": time, "last_id": last_id, "limit": limit + 1})
    total = _count.value(conn, of)
    return cursors.page(
        found, limit, total, read=lambda row: _listed(conn, tenant, row), cursor=lambda row: f"{row[1]} {row[0]}"
    )


def entity(conn: Connection, scope: Scope) -> Entity | None:
    row = _one.first(conn, owner(scope))
    return None if row is None else _listed(conn, scope.tenant, row)


def _listed(conn: Connection, tenant: str, row: Sequence[Any]) -> Entity:
    name, created_at, version = row
    of = {"tenant_id": tenant, "entity_id": name}
    sessions, messages, last_at = _spoken.first(conn, of)
    current = dict(_current.rows(conn, of))
    return Entity(name, moment(created_at), maybe_moment(last_at), sessions, messages, current, version)


def receipt(conn: Connection, tenant: str, request_id: str) -> Receipt | None:
    row = _receipt.first(conn, {"tenant_id": tenant, "request_id": request_id})
    if row is None:
        return None
    entity_id, process, session, given, *entry = row
    return Receipt(Scope(tenant, entity_id, process), session, read_injection(entry, given))
