"""Deleting every row of an entity; that no bytes stay behind in the files is `wiping.py`'s."""

from __future__ import annotations

from sqlalchemy import BigInteger, Connection, bindparam, case, delete, update

from memproxy.domain import Entity, Scope
from memproxy_sql import archive
from memproxy_sql.memory import held
from memproxy_sql.models import tables
from memproxy_sql.prepared import Prepared
from memproxy_sql.rows import owner
from memproxy_sql.turns import of_entity

_KEYS = "api_key"
"""Bound to an entity, and the tenant's own."""

_entity, _tenant = tables["entity"], tables["tenant"]
_owned = [table for name, table in tables.items() if "entity_id" in table.c and name != _KEYS]
_deletions = [Prepared(delete(table).where(of_entity(table))) for table in _owned]
_deletions.append(
    Prepared(
        delete(_entity).where(_entity.c.tenant_id == bindparam("tenant_id"), _entity.c.id == bindparam("entity_id"))
    )
)
_past = bindparam("past", type_=BigInteger())
_leave_mark = Prepared(
    update(_tenant)
    .where(_tenant.c.id == bindparam("of_tenant"))
    .values(earliest=case((_tenant.c.earliest > _past, _tenant.c.earliest), else_=_past))
)


def erase(conn: Connection, scope: Scope) -> Entity | None:
    held(conn, scope)
    found = archive.entity(conn, scope)
    for deletion in _deletions:
        deletion.apply(conn, owner(scope))
    if found is not None:
        _leave_mark.apply(conn, {"of_tenant": scope.tenant, "past": (found.version + 1) * 1000})
    return found
