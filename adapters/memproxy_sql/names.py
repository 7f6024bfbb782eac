"""Tenants, entities and processes come into being as they are named.

Each is looked for before it is inserted: to insert what is there already locks it in some databases, and a tenant is
everybody's. What is inserted goes in the order of its ids; see `locks.py`.
"""

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
_entities = Among(tables["entity"], "tenant_id", "id")
_processes = Among(tables["process"], "tenant_id", "id")


def name_scopes(conn: Connection, scopes: Collection[Scope]) -> None:
    """An entity's version begins at the milliseconds since 1970, so that one that was erased and comes back is never
    at a version that a replica has seen before; where the clock does not see to that, the tenant's row does."""
    now = _now()
    earliest = name_tenants(conn, {scope.tenant for scope in scopes})
    entities = _missing(conn, _entities, {(scope.tenant, scope.entity) for scope in scopes})
    born = {tenant: max(now, earliest[tenant]) for tenant, _ in entities}
    fresh = {tenant: {"created_at": at, "version": at // 1000, "numbers": 0} for tenant, at in born.items()}
    _entity.each(conn, [{"tenant_id": tenant, "id": entity} | fresh[tenant] for tenant, entity in entities])
    processes = _missing(
        conn, _processes, {(scope.tenant, scope.process) for scope in scopes if scope.process is not None}
    )
    _process.each(conn, [{"tenant_id": t, "id": process, "created_at": now} for t, process in processes])


def name_tenants(conn: Connection, tenants: Collection[str]) -> dict[str, int]:
    """When the next entity of each may be born at the earliest."""
    asked = [(tenant,) for tenant in sorted(tenants)]
    earliest = dict(_earliest.rows(conn, asked))
    missing = [name for name in asked if name[0] not in earliest]
    if missing:
        _tenant.each(conn, [{"id": tenant, "created_at": _now(), "earliest": 0} for (tenant,) in missing])
        earliest |= dict(_earliest.rows(conn, missing))
    return earliest


def _missing(conn: Connection, stored: Among, names: set[tuple[str, str]]) -> list[tuple[str, str]]:
    found = {(tenant, name) for tenant, name in stored.rows(conn, sorted(names))}
    return sorted(names - found)


def _now() -> int:
    return time.time_ns() // 1000
