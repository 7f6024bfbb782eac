"""Locks on rows, where a database has several writers: who changes what an entity holds has the entity's row.

Everything that is numbered in an entity or looked up before it is added (positions, numbers of facts, keys of messages,
what the ledger may tell) is so decided by one transaction at a time, and an erasure waits for the commit before it.
Rows are locked in the order of their ids, each transaction all of them first; so nobody waits for one who waits for
him.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from memproxy.domain import Scope
from memproxy_sql.dialect import serial
from memproxy_sql.models import tables
from memproxy_sql.names import name_scopes
from memproxy_sql.prepared import Among

_held = Among(tables["entity"], "tenant_id", "id", then=" ORDER BY entity.tenant_id, entity.id FOR UPDATE")
_held_of_postgresql = Among(
    tables["entity"], "tenant_id", "id", then=" ORDER BY entity.tenant_id, entity.id FOR UPDATE OF entity"
)


def hold(conn: Connection, scopes: Collection[Scope]) -> None:
    """Lock the entities until the transaction ends; those that are missing come into being."""
    if serial(conn):
        return
    asked = _held_of_postgresql if conn.dialect.name == "postgresql" else _held
    names = sorted({(scope.tenant, scope.entity) for scope in scopes})
    found = {(tenant, entity) for tenant, entity in asked.rows(conn, names)}
    missing = [name for name in names if name not in found]
    if missing:
        name_scopes(conn, [Scope(*name) for name in missing])
        asked.rows(conn, missing)
