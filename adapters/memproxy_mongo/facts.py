"""Reading facts and their history: by what they state, by id, and as a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memproxy.domain import Event, Fact, FactState, Page, Scope
from memproxy.storable import check_ids, clean, digest, joined
from memproxy_mongo import cursors, lives
from memproxy_mongo.driver import Database, Document
from memproxy_mongo.fact_documents import in_life, read_event, read_fact


async def about(
    db: Database, scope: Scope, attributes: Sequence[str], statements: Sequence[tuple[str, str]]
) -> list[Fact]:
    life = await lives.find(db, scope)
    if life is None:
        return []
    found: list[Document] = []
    if attributes:
        all_of = {clean(attribute) for attribute in attributes}
        found += await db.some("fact", {"o": life.mark, "attribute": {"$in": list(all_of)}})
    if statements:
        exactly = {digest(joined(clean(attribute), clean(value))) for attribute, value in statements}
        found += await db.some("fact", {"o": life.mark, "states": {"$in": list(exactly)}})
    return _by_number(found)


async def fetch(db: Database, scope: Scope, ids: Sequence[str]) -> list[Fact]:
    check_ids(*ids)
    life = await lives.find(db, scope)
    if life is None or not ids:
        return []
    return _by_number(await db.some("fact", {"_id": {"$in": list({in_life(life.mark, one) for one in ids})}}))


def _by_number(found: Iterable[Document]) -> list[Fact]:
    """Each once."""
    return [read_fact(one) for _, one in sorted({one["number"]: one for one in found}.items())]


async def facts(
    db: Database,
    scope: Scope,
    states: Sequence[FactState],
    kinds: Sequence[str],
    text: str | None,
    cursor: str | None,
    limit: int,
) -> Page[Fact]:
    number = cursors.before(cursor)
    life = await lives.find(db, scope)
    if life is None:
        return Page((), None, 0)
    asked: Document = {"o": life.mark}
    if states:
        asked["state"] = {"$in": [state.value for state in states]}
    if kinds:
        asked["kind"] = {"$in": [clean(kind) for kind in kinds]}
    if text:
        asked["number"] = {"$in": await _containing(db, asked, clean(text).casefold())}
    older = {"$and": [asked, {"number": {"$lt": number}}]}
    found = await db.some("fact", older, order=[("number", -1)], limit=limit + 1)
    total = await db.count("fact", asked)
    return cursors.page(found, limit, total, read=read_fact, cursor=lambda one: str(one["number"]))


async def _containing(db: Database, asked: Document, words: str) -> list[int]:
    """Numbers of the facts that contain the words. Servers differ in what they take for the same letter, so the texts
    are compared here."""
    found = await db.some("fact", asked, fields=["number", "text"])
    return [one["number"] for one in found if words in one["text"].casefold()]


async def history(db: Database, scope: Scope, fact_id: str) -> list[Event]:
    check_ids(fact_id)
    life = await lives.find(db, scope)
    if life is None:
        return []
    found = await db.some("event", {"o": life.mark, "fact": fact_id}, order=[("at", 1), ("id", 1)])
    return list(map(read_event, found))
