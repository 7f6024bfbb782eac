"""Entities as their owner sees them: the list with its counts, receipts, and erasing."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bson import ObjectId

from memproxy.domain import Entity, FactState, Page, Receipt, Scope
from memproxy.storable import check_ids, clean, digest, joined, maybe_moment, moment
from memproxy_mongo import change, cursors, ledger, lives
from memproxy_mongo.commit import meet
from memproxy_mongo.documents import read_entry
from memproxy_mongo.driver import Database
from memproxy_mongo.lives import Life

_DAY = 24 * 3600 * 1_000_000
"""Microseconds for which the sweep looks for what was written for a life that has ended: no write takes longer."""


async def entities(db: Database, tenant: str, cursor: str | None, limit: int) -> Page[Entity]:
    born, last_id = cursors.newest(cursor)
    check_ids(tenant)
    of = {"tenant": tenant}
    older = {"$or": [{"born": {"$lt": born}}, {"born": born, "entity": {"$lt": last_id}}]}
    found = await db.some("entity", of | older, order=[("born", -1), ("entity", -1)], limit=limit + 1)
    shown = await _listed(db, [lives.read_life(one) for one in found])
    following = f"{found[limit - 1]['born']} {found[limit - 1]['entity']}" if len(found) > limit else None
    return Page(tuple(shown[:limit]), following, await db.count("entity", of))


async def entity(db: Database, scope: Scope) -> Entity | None:
    life = await lives.find(db, scope)
    return (await _listed(db, [life]))[0] if life is not None else None


async def _listed(db: Database, found: Sequence[Life]) -> list[Entity]:
    await meet(db, [life.mark for life in found])
    of = {"o": {"$in": [life.mark for life in found]}}
    counted = {"_id": "$o", "sessions": {"$sum": 1}, "messages": {"$sum": "$messages"}}
    counts = {one["_id"]: one for one in await db.grouped("session", {"$match": of}, {"$group": counted})}
    spoken = {"$match": {**of, "messages": {"$gt": 0}}}
    times = await db.grouped("session", spoken, {"$group": {"_id": "$o", "last": {"$max": "$last"}}})
    last = {one["_id"]: one["last"] for one in times}
    current = {"$match": {**of, "state": FactState.CURRENT.value}}
    kinds = {"_id": {"o": "$o", "kind": "$kind"}, "facts": {"$sum": 1}}
    facts: defaultdict[object, dict[str, int]] = defaultdict(dict)
    for one in await db.grouped("fact", current, {"$group": kinds}):
        facts[one["_id"]["o"]][one["_id"]["kind"]] = one["facts"]
    nothing = {"sessions": 0, "messages": 0}
    return [
        Entity(
            life.entity,
            moment(life.born),
            maybe_moment(last.get(life.mark)),
            counts.get(life.mark, nothing)["sessions"],
            counts.get(life.mark, nothing)["messages"],
            facts[life.mark],
            life.version,
        )
        for life in found
    ]


async def receipt(db: Database, tenant: str, request_id: str) -> Receipt | None:
    check_ids(tenant)
    asked = {"request": digest(joined(tenant, clean(request_id)))}
    marks = {turn["o"] for turn in await db.some("turn", asked, fields=["o"])}
    names = await db.some("entity", {"o": {"$in": list(marks)}}, fields=["tenant", "entity"]) if marks else []
    found = await lives.find_all(db, [(one["tenant"], one["entity"]) for one in names])
    alive = {life.mark: life for life in found.values()}
    # Read after what was pending was carried out.
    for turn in await db.some("turn", asked, order=[("entry.at", -1), ("n", -1)]) if alive else ():
        if turn["o"] in alive:
            life = alive[turn["o"]]
            await ledger.settle(db, life, [turn])
            scope = Scope(tenant, life.entity, turn["process"])
            return Receipt(scope, turn["s"], read_entry(turn["entry"], receipt=True))
    return None


async def erase(db: Database, scope: Scope) -> Entity | None:
    """The life ends with its document. Its mark is entered before, so that whoever sweeps finds what an eraser that
    died has left, and what somebody wrote too late."""
    found = await entity(db, scope)
    name = joined(scope.tenant, scope.entity)
    stored = await db.one("entity", {"_id": name})
    if stored is not None:
        await db.add("ended", [{"_id": stored["o"], "at": time.time_ns() // 1000}])
        await _outlive(db, scope.tenant, stored["version"])
        last = await db.pull_out("entity", {"_id": name, "o": stored["o"]})
        if last is not None:
            await _outlive(db, scope.tenant, last["version"])
        await change.wipe(db, stored["o"])
    await _drop_jobs(db, name)
    return found if stored is not None else None


async def _drop_jobs(db: Database, name: str) -> None:
    """But for those of a life that has begun meanwhile."""
    found = [job.get("o") for job in await db.some("job", {"owner": name}, fields=["o"])]
    marks = {mark for mark in found if mark is not None}
    alive = await lives.alive(db, marks)
    await db.remove("job", {"owner": name, "o": {"$in": [*(marks - set(alive)), None]}})


async def _outlive(db: Database, tenant: str, version: int) -> None:
    """Who is born after this is past the version."""
    await db.change("tenant", {"_id": tenant}, {"$max": {"earliest": (version + 1) * 1000}}, new=True)


async def sweep(db: Database) -> None:
    """Remove what is left of lives that have ended."""
    for ended in await db.some("ended", {}):
        await change.wipe_if_ended(db, ended["_id"])
    await db.remove("ended", {"at": {"$lt": time.time_ns() // 1000 - _DAY}})
    # A change that was never decided, or whose last step was: its writer died between two lines.
    early = ObjectId.from_datetime(datetime.now(UTC) - timedelta(days=1))
    for stored in await db.some("part", {"change": {"$lt": early}}, fields=["o", "change"]):
        if await db.one("entity", {"o": stored["o"], "pending.id": stored["change"]}) is None:
            await db.remove("part", {"_id": stored["_id"]})
