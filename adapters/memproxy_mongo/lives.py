"""The document of an entity: from its first write to its erasure, one life.

Everything else stored of the entity bears the life's mark (`o`) and nothing is read without it, so what is written for
a life that has ended meanwhile is seen by nobody; who wrote it finds that out and removes it, and so does the sweep.

A change to the memory is decided by one update of this document: the version counts up and `pending` names the change,
which was stored before. Whoever meets a pending change carries it out before anything else (`change.py`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bson import ObjectId

from memproxy.domain import Scope
from memproxy.storable import check_ids, joined
from memproxy_mongo import change
from memproxy_mongo.driver import Database, Document, Query

Name = tuple[str, str]
"""Tenant and entity."""


@dataclass(frozen=True, slots=True)
class Life:
    mark: ObjectId
    tenant: str
    entity: str
    born: int
    """Microseconds since 1970."""
    version: int
    numbers: int
    """The highest number of a fact."""
    told: int
    """The last version that forgot, corrected or struck something; 0 where none did."""


def read_life(stored: Document) -> Life:
    counters = (stored["born"], stored["version"], stored["numbers"], stored["told"])
    return Life(stored["o"], stored["tenant"], stored["entity"], *counters)


def _name(scope: Scope) -> Name:
    return (scope.tenant, scope.entity)


async def find(db: Database, scope: Scope) -> Life | None:
    """With no change pending."""
    return (await find_all(db, {_name(scope)})).get(_name(scope))


async def find_all(db: Database, names: Collection[Name]) -> Mapping[Name, Life]:
    for tenant, entity in names:
        check_ids(tenant, entity)
    found = await _read(db, {"_id": {"$in": [joined(*name) for name in names]}}) if names else []
    return {(life.tenant, life.entity): life for life in found}


async def alive(db: Database, marks: Collection[ObjectId]) -> Mapping[ObjectId, Life]:
    """Those of the marks whose lives have not ended."""
    found = await _read(db, {"o": {"$in": list(marks)}}) if marks else []
    return {life.mark: life for life in found}


async def _read(db: Database, query: Query) -> list[Life]:
    while True:
        found = await db.some("entity", query)
        pending = [stored for stored in found if stored.get("pending") is not None]
        if not pending:
            return list(map(read_life, found))
        for stored in pending:
            await change.carry_out(db, stored)


async def named(db: Database, scope: Scope) -> Life:
    return (await named_all(db, [scope]))[_name(scope)]


async def named_all(db: Database, scopes: Collection[Scope]) -> Mapping[Name, Life]:
    """The lives of all; those that were never named begin.

    A version begins at the milliseconds since 1970, so that an entity that was erased and comes back is never at one
    that a replica has seen before; where the clock does not see to that, the tenant's document does."""
    names = {_name(scope) for scope in scopes}
    while True:
        lives = await find_all(db, names)
        new = [name for name in names if name not in lives]
        if not new:
            return lives
        tenants = await db.some("tenant", {"_id": {"$in": list({tenant for tenant, _ in new})}})
        earliest = {stored["_id"]: stored["earliest"] for stored in tenants}
        await db.add("entity", [_unborn(name, earliest.get(name[0], 0)) for name in new])


def _unborn(name: Name, earliest: int) -> Document:
    born = max(time.time_ns() // 1000, earliest)
    return {
        "_id": joined(*name),
        "o": ObjectId(),
        "tenant": name[0],
        "entity": name[1],
        "born": born,
        "version": born // 1000,
        "numbers": 0,
        "told": 0,
    }
