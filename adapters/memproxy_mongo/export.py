"""Everything stored of an entity, page by page, as an archive carries it: in six parts, one after another."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

from memproxy.domain import Event, Fact, Kept, Page, Scope, Session, Triple
from memproxy.storable import check_ids
from memproxy_mongo import cursors, ledger, lives
from memproxy_mongo.commit import meet
from memproxy_mongo.documents import read_entry, read_message, read_session, words
from memproxy_mongo.driver import Database, Document
from memproxy_mongo.fact_documents import read_event, read_fact, read_triple
from memproxy_mongo.lives import Life
from memproxy_mongo.turns import said_from


class Place(NamedTuple):
    """Of a row in its part."""

    number: int
    within: int
    name: str


_START = Place(-1, -1, "")
Rows = AsyncIterator[tuple[Place, Kept]]
_PAGE = 256


def _named(
    collection: str, field: str, place: str, read: Callable[[Document], Session | Fact | Triple | Event]
) -> Callable[[Database, Life, Place], Rows]:
    """Rows in the order of a field, which is the `place` after which they are wanted."""
    wanted: Callable[[Place], int | str] = operator.attrgetter(place)

    async def rows(db: Database, life: Life, after: Place) -> Rows:
        last = wanted(after)
        while True:
            asked = {"o": life.mark, field: {"$gt": last}, "gone": {"$ne": True}}
            found = await db.some(collection, asked, order=[(field, 1)], limit=_PAGE)
            for one in found:
                last = one[field]
                yield _START._replace(**{place: last}), Kept(read(one))
            if len(found) < _PAGE:
                return

    return rows


def _later(life: Life, after: Place, **query: object) -> Document:
    """Turns from the one in which the last row stood."""
    here = {"s": after.name, "n": {"$gte": after.number}}
    return {"o": life.mark, "$or": [here, {"s": {"$gt": after.name}}], **query}


async def _messages(db: Database, life: Life, after: Place) -> Rows:
    async for turn in said_from(db, _later(life, after)):
        left = set(turn["left"])
        for within, said in enumerate(await words(db, turn)):
            place = Place(turn["n"], within, turn["s"])
            if (place.name, place.number, place.within) > (after.name, after.number, after.within):
                yield place, Kept(read_message(said), turn["s"], said[0] not in left)


async def _injections(db: Database, life: Life, after: Place) -> Rows:
    async for turn in said_from(db, _later(life, after, entry={"$exists": True})):
        if (turn["s"], turn["n"]) > (after.name, after.number):
            await ledger.settle(db, life, [turn])
            yield Place(turn["n"], 0, turn["s"]), Kept(read_entry(turn["entry"], receipt=True), turn["s"])


_PARTS = (
    _named("session", "s", "name", read_session),
    _messages,
    _injections,
    _named("fact", "number", "number", read_fact),
    _named("triple", "id", "name", read_triple),
    _named("event", "id", "name", read_event),
)


async def export(db: Database, scope: Scope, cursor: str | None, limit: int) -> Page[Kept]:
    part, total, after = 0, 0, _START
    if cursor is not None:
        part, total, number, within, name = cursors.archived(cursor)
        check_ids(name)
        after = Place(number - 1, within - 1, name)
    life = await lives.find(db, scope)
    if life is None:
        return Page((), None, 0)
    await meet(db, [life.mark])
    if cursor is None:
        total = await _total(db, life)
    found: list[tuple[str, Kept]] = []
    while part < len(_PARTS) and len(found) <= limit:
        async for place, kept in _PARTS[part](db, life, after):
            # Counted from 1, for a cursor holds no negative number.
            found.append((f"{part} {total} {place.number + 1} {place.within + 1} {place.name}", kept))
            if len(found) > limit:
                break
        part, after = part + 1, _START
    return cursors.page(found, limit, total, read=lambda row: row[1], cursor=lambda row: row[0])


async def _total(db: Database, life: Life) -> int:
    of: Mapping[str, Any] = {"o": life.mark}
    counted = {"_id": "$o", "rows": {"$sum": 1}, "messages": {"$sum": "$messages"}, "entries": {"$sum": "$entries"}}
    sessions = await db.grouped("session", {"$match": of}, {"$group": counted})
    said = sum([int(one["rows"] + one["messages"] + one["entries"]) for one in sessions])
    known = [await db.count(name, {**of, "gone": {"$ne": True}}) for name in ("fact", "triple", "event")]
    return said + sum(known)
