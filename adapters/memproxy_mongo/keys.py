"""The verbs of `Keys`."""

from __future__ import annotations

from datetime import datetime

from memproxy.domain import ApiKey
from memproxy.errors import Conflict, NotFound
from memproxy.storable import check_ids, micros
from memproxy_mongo.documents import api_key_document, read_api_key
from memproxy_mongo.driver import Database


async def tenants(db: Database) -> list[str]:
    named = [await db.grouped(name, {"$group": {"_id": "$tenant"}}) for name in ("entity", "api_key")]
    return sorted({one["_id"] for found in named for one in found})


async def create_key(db: Database, key: ApiKey) -> None:
    check_ids(key.id, key.tenant, key.entity, key.process)
    if await db.add("api_key", [api_key_document(key)]):
        raise Conflict(f"There is a key {key.id} already.")


async def find_key(db: Database, key_id: str) -> ApiKey | None:
    found = await db.one("api_key", {"_id": key_id})
    return None if found is None else read_api_key(found)


async def keys(db: Database, tenant: str | None) -> list[ApiKey]:
    asked = {} if tenant is None else {"tenant": tenant}
    return list(map(read_api_key, await db.some("api_key", asked, order=[("created", -1), ("_id", -1)])))


async def revoke_key(db: Database, key_id: str, now: datetime) -> ApiKey:
    await db.change("api_key", {"_id": key_id, "revoked": None}, {"$set": {"revoked": micros(now)}})
    found = await find_key(db, key_id)
    if found is None:
        raise NotFound(f"There is no key {key_id}.")
    return found
