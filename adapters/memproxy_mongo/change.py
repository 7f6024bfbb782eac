"""A change to an entity's memory, as a whole: decided by one document's write, then carried out by whoever is first.

    write ─► body into `part` ─► entity: version + 1, pending ─► carried out ─► nothing pending
                                  (decided here)

The body holds documents as they are to be, not how to make them, and a document is replaced only by a higher version.
So it does not matter how many carry it out, how often, or how late.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import ObjectId

from memproxy.domain import Injection
from memproxy.errors import BadRequest
from memproxy_mongo.documents import part_ids, put_parts, read_parts, too_large
from memproxy_mongo.driver import Database, Document

Body = Mapping[str, Any]
"""`new` and `facts` (those that are replaced), `triples`, `events`: documents; `blank`: ids of facts whose history
loses its words; `unsaid`: texts that any history loses; `augmented`: ids of messages; `struck`: lines; `ids`: of the
facts; `tells`: whether blocks of the ledger are concerned."""

OWNED = ("turn", "session", "fact", "triple", "event", "part", "job")
"""Collections whose documents bear the mark of a life."""


async def decide(db: Database, stored: Document, body: Body, *, numbers: int) -> int | None:
    """The new version, once all is carried out; None where the entity has moved on. `stored` says where it was."""
    for document in (*body["new"], *body["facts"], *body["triples"], *body["events"]):
        if too_large(db, document):
            raise BadRequest("MongoDB holds no fact of more than 15 MB.")
    life, version = stored["o"], int(stored["version"]) + 1
    parts = await put_parts(db, life, db.encoded(body), field="change")
    decided: Document = {"version": version, "numbers": numbers, "pending": parts}
    if body["tells"]:
        decided["told"] = version
    here = {"_id": stored["_id"], "o": life, "version": stored["version"], "pending": None}
    if not await db.change("entity", here, {"$set": decided}):
        await db.remove("part", {"_id": {"$in": part_ids(parts)}})
        return None
    await _finish(db, {**stored, **decided}, body)
    return version


async def carry_out(db: Database, stored: Document) -> None:
    """What is pending in this document of an entity."""
    body = await read_parts(db, stored["pending"])
    if body is not None:  # else somebody else was faster
        await _finish(db, stored, body)


async def _finish(db: Database, stored: Document, body: Body) -> None:
    life, version, parts = stored["o"], stored["version"], stored["pending"]
    await _apply(db, life, version, body)
    if not await db.change("entity", {"o": life, "pending.id": parts["id"]}, {"$unset": {"pending": ""}}):
        await wipe_if_ended(db, life)
    await db.remove("part", {"_id": {"$in": part_ids(parts)}})


async def _apply(db: Database, life: ObjectId, version: int, body: Body) -> None:
    await db.add("fact", body["new"])
    await db.put("fact", body["facts"], mark="v")
    there = await db.add("triple", body["triples"])
    await db.put("triple", [body["triples"][place] for place in sorted(there)], mark="v")
    await db.add("event", body["events"])
    if body["blank"]:
        told = {"o": life, "fact": {"$in": body["blank"]}, "v": {"$lte": version}}
        await db.change_all("event", told, {"$set": {"before": None, "after": None}})
    if body["unsaid"]:
        for side in ("before", "after"):
            told = {"o": life, side: {"$in": body["unsaid"]}, "v": {"$lte": version}}
            await db.change_all("event", told, {"$set": {side: None}})
    if body["augmented"]:
        open_ = {"o": life, "left": {"$in": body["augmented"]}}
        await db.change_all("turn", open_, {"$pull": {"left": {"$in": body["augmented"]}}})
    if body["tells"]:
        await _strike(db, life, version, body)


async def _strike(db: Database, life: ObjectId, version: int, body: Body) -> None:
    """Every block that is there now bears the version afterwards; one that comes later was recalled before, and is
    looked at again (`ledger.py`)."""
    older = {"o": life, "shown": True, "at": {"$lt": version}}
    lines, ids = set(body["struck"]), set(body["ids"])
    same = []
    for turn in await db.some("turn", older, fields=["entry.block", "entry.facts"]):
        given = Injection(b"", turn["entry"]["block"], facts=tuple(turn["entry"]["facts"]))
        left = given.without(lines, ids)
        if left.block == given.block:
            same.append(turn["_id"])
        else:
            struck = {"entry.block": left.block, "entry.facts": list(left.facts), "at": version}
            await db.change("turn", {"_id": turn["_id"], "at": {"$lt": version}}, {"$set": struck})
    if same:
        await db.change_all("turn", {"_id": {"$in": same}}, {"$max": {"at": version}})


async def wipe_if_ended(db: Database, life: ObjectId) -> bool:
    """Remove what was written for a life that has ended; whether it has."""
    if await db.one("entity", {"o": life}) is not None:
        return False
    await wipe(db, life)
    return True


async def wipe(db: Database, life: ObjectId) -> None:
    for collection in OWNED:
        await db.remove(collection, {"o": life})
