"""Tenants, entities and processes come into being as they are named."""

from __future__ import annotations

import time
from collections.abc import Collection

from sqlalchemy import Connection

from memproxy.domain import Scope
from memproxy_sql.dialect import insert_new
from memproxy_sql.models import tables
from memproxy_sql.prepared import Prepared

_tenant, _entity, _process = (Prepared(insert_new(tables[name])) for name in ("tenant", "entity", "process"))


def name_scopes(conn: Connection, scopes: Collection[Scope]) -> None:
    """An entity's version begins at the milliseconds since 1970, so that one that was erased and comes back is never
    at a version that a replica has seen before."""
    now = time.time_ns() // 1000
    name_tenants(conn, {scope.tenant for scope in scopes})
    entities = {(scope.tenant, scope.entity) for scope in scopes}
    fresh = {"created_at": now, "version": now // 1000, "numbers": 0}
    _entity.each(conn, [{"tenant_id": tenant, "id": entity} | fresh for tenant, entity in entities])
    processes = {(scope.tenant, scope.process) for scope in scopes if scope.process is not None}
    _process.each(conn, [{"tenant_id": t, "id": process, "created_at": now} for t, process in processes])


def name_tenants(conn: Connection, tenants: Collection[str]) -> None:
    now = time.time_ns() // 1000
    _tenant.each(conn, [{"id": tenant, "created_at": now} for tenant in tenants])
