"""Tenants, entities and processes come into being as they are named."""

from __future__ import annotations

import time
from collections.abc import Collection

from sqlalchemy import Connection

from memproxy.domain import Scope
from memproxy_sql.dialect import insert_new
from memproxy_sql.models import tables
from memproxy_sql.prepared import Among, Prepared

_tenant, _entity, _process = (Prepared(insert_new(tables[name])) for name in ("tenant", "entity", "process"))
_earliest = Among(tables["tenant"], "id", also=["earliest"])


def name_scopes(conn: Connection, scopes: Collection[Scope]) -> None:
    """An entity's version begins at the milliseconds since 1970, so that one that was erased and comes back is never
    at a version that a replica has seen before; where the clock does not see to that, the tenant's row does."""
    now = time.time_ns() // 1000
    tenants = {scope.tenant for scope in scopes}
    name_tenants(conn, tenants)
    born = {name: max(now, earliest) for name, earliest in _earliest.rows(conn, [(name,) for name in tenants])}
    entities = {(scope.tenant, scope.entity) for scope in scopes}
    fresh = {name: {"created_at": at, "version": at // 1000, "numbers": 0} for name, at in born.items()}
    _entity.each(conn, [{"tenant_id": tenant, "id": entity} | fresh[tenant] for tenant, entity in entities])
    processes = {(scope.tenant, scope.process) for scope in scopes if scope.process is not None}
    _process.each(conn, [{"tenant_id": t, "id": process, "created_at": now} for t, process in processes])


def name_tenants(conn: Connection, tenants: Collection[str]) -> None:
    now = time.time_ns() // 1000
    _tenant.each(conn, [{"id": tenant, "created_at": now, "earliest": 0} for tenant in tenants])
