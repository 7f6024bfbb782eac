"""The verbs of `Keys`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, true, union, update

from memproxy.domain import ApiKey
from memproxy.errors import Conflict, NotFound
from memproxy.storable import check_ids, micros
from memproxy_sql.models import tables
from memproxy_sql.names import name_tenants
from memproxy_sql.prepared import Prepared
from memproxy_sql.rows import KEY_COLUMNS, key_row, read_key

_key = tables["api_key"]
_columns = [_key.c[name] for name in KEY_COLUMNS]
_found = Prepared(select(*_columns).where(_key.c.id == bindparam("id")))
_new = Prepared(insert(_key))


def tenants(conn: Connection) -> list[str]:
    named = union(*(select(tables[name].c.tenant_id) for name in ("entity", "api_key")))
    return sorted(conn.execute(named).scalars())


def create_key(conn: Connection, key: ApiKey) -> None:
    check_ids(key.tenant, key.entity, key.process)
    if find_key(conn, key.id) is not None:
        raise Conflict(f"There is a key {key.id} already.")
    name_tenants(conn, [key.tenant])
    _new.apply(conn, key_row(key))


def find_key(conn: Connection, key_id: str) -> ApiKey | None:
    row = _found.first(conn, {"id": key_id})
    return None if row is None else read_key(row)


def keys(conn: Connection, tenant: str | None) -> list[ApiKey]:
    asked = true() if tenant is None else _key.c.tenant_id == tenant
    newest_first = select(*_columns).where(asked).order_by(_key.c.created_at.desc(), _key.c.id.desc())
    return [read_key(row) for row in conn.execute(newest_first)]


def revoke_key(conn: Connection, key_id: str, now: datetime) -> ApiKey:
    key = find_key(conn, key_id)
    if key is None:
        raise NotFound(f"There is no key {key_id}.")
    if key.revoked_at is None:
        conn.execute(update(_key).where(_key.c.id == key_id).values(revoked_at=micros(now)))
    return replace(key, revoked_at=key.revoked_at or now)
