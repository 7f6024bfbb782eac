"""Locks on rows, where a database has several writers: who changes what an entity holds has the entity's row.

Everything that is numbered in an entity or looked up before it is added (positions, numbers of facts, keys of messages,
what the ledger may tell) is so decided by one transaction at a time, and an erasure waits for the commit before it.
Rows are locked in the order of their ids, each transaction all of them first; so nobody waits for one who waits for
him.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from memproxy.domain import Scope
from memproxy_sql.dialect import serial
from memproxy_sql.models import tables
from memproxy_sql.names import name_scopes
from memproxy_sql.prepared import Among

_IN_ORDER = " ORDER BY entity.tenant_id, entity.id FOR UPDATE"


def _entities(then: str) -> Among:
    return Among(tables["entity"], "tenant_id", "id", also=["version"], then=then)


_ASKED = {"sqlite": _entities(""), "postgresql": _entities(f"{_IN_ORDER} OF entity"), "mysql": _entities(_IN_ORDER)}


def hold(conn: Connection, scopes: Collection[Scope]) -> Mapping[tuple[str, str], int]:
    """Lock the entities until the transaction ends; those that are missing come into being. Gives the version of each,
    where one writer alone needs no lock of those that are there."""
    names = sorted({(scope.tenant, scope.entity) for scope in scopes})
    versions = _versions(conn, names)
    missing = [name for name in names if name not in versions]
    if missing and not serial(conn):
        name_scopes(conn, [Scope(*name) for name in missing])
        versions |= _versions(conn, missing)
    return versions


def _versions(conn: Connection, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    return {(tenant, entity): version for tenant, entity, version in _ASKED[conn.dialect.name].rows(conn, names)}
