"""Reading for `Turns`: what a request needs to know, and the lists of sessions and messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from operator import itemgetter

from memproxy.domain import Known, Message, Page, Scope, Session
from memproxy.storable import check_ids, clean
from memproxy_mongo import cursors, ledger, lives
from memproxy_mongo.commit import meet
from memproxy_mongo.documents import id_mark, key_mark, read_entry, read_message, read_session, session_id, words
from memproxy_mongo.driver import Database, Document
from memproxy_mongo.lives import Life, Name
from memproxy_mongo.tails import Recent

_PAGE = 64
"""Turns to read in one go."""

_ENTRY = ("entry.anchor", "entry.block", "entry.tokens", "entry.facts", "entry.request", "entry.at")


async def look(
    db: Database,
    recent: Recent,
    scope: Scope,
    session: str | None,
    keys: Sequence[bytes],
    pairs: Sequence[bytes],
    ids: Sequence[str],
) -> Known:
    check_ids(scope.tenant, scope.entity, session)
    asked = {key_mark(key) for key in (*keys, *pairs)} | {id_mark(one) for one in ids}
    life, (holding, turns) = await _read(db, recent, (scope.tenant, scope.entity), session, asked)
    if life is None:
        return Known(session=session)
    marks = {mark for turn in holding for mark in turn["marks"]}
    if session is None:
        session = await _named(db, life, holding, ids) or await _recognised(db, life, holding, pairs)
        turns = await _ledger(db, life, session)
    held = frozenset(key for key in keys if key_mark(key) in marks)
    external = frozenset(clean(one) for one in ids if id_mark(one) in marks)
    if session is None:
        return Known(life.version, None, held)
    await ledger.settle(db, life, turns)
    entries = tuple([read_entry(turn["entry"], receipt=False) for turn in turns])
    return Known(life.version, session, held, entries, sum([given.tokens for given in entries]), external)


Read = tuple[list[Document], list[Document]]


async def _read(
    db: Database, recent: Recent, name: Name, session: str | None, asked: set[bytes]
) -> tuple[Life | None, Read]:
    """The life, the turns that hold something asked for, and the session's ledger: in one go where the life is known
    from before, and nobody forgot anything since."""
    known = recent.life(name)
    if known is None:
        life = await lives.find(db, Scope(*name))
    else:
        life, read = await asyncio.gather(lives.find(db, Scope(*name)), _said(db, known, session, asked))
    if life is None:
        recent.drop(name)
        return None, ([], [])
    recent.keep(name, life)
    if known is None or (known.mark, known.told) != (life.mark, life.told):
        read = await _said(db, life, session, asked)
    return life, read


async def _said(db: Database, life: Life, session: str | None, asked: set[bytes]) -> Read:
    return await asyncio.gather(_holding(db, life, asked), _ledger(db, life, session))


async def _holding(db: Database, life: Life, asked: set[bytes]) -> list[Document]:
    query = {"o": life.mark, "marks": {"$in": list(asked)}}
    return await db.some("turn", query, fields=["s", "first", "marks"]) if asked else []


async def _ledger(db: Database, life: Life, session: str | None) -> list[Document]:
    if session is None:
        return []
    place = {"o": life.mark, "s": session, "ledger": True}
    return await db.some("turn", place, fields=[*_ENTRY, "shown", "at", "seen"], order=[("n", 1)])


async def _named(db: Database, life: Life, holding: Sequence[Document], ids: Sequence[str]) -> str | None:
    """The newest session that holds a message of one of the ids."""
    wanted = {id_mark(one) for one in ids}
    names = {turn["s"] for turn in holding if not wanted.isdisjoint(turn["marks"])}
    found = await _sessions_of(db, life, names)
    return max([(s["last"], s["created"], s["s"]) for s in found], default=(0, 0, None))[-1]


async def _recognised(db: Database, life: Life, holding: Sequence[Document], pairs: Sequence[bytes]) -> str | None:
    """Of the sessions that hold the newest pair, one in which nothing follows it, then the newest."""
    marks = {mark for turn in holding for mark in turn["marks"]}
    newest = next((key_mark(pair) for pair in pairs if key_mark(pair) in marks), None)
    if newest is None:
        return None
    places = {t["s"]: t["first"] + t["marks"].index(newest) for t in holding if newest in t["marks"]}
    found = await _sessions_of(db, life, places)
    ranked = [(s["messages"] - 1 == places[s["s"]], s["last"], s["created"], s["s"]) for s in found]
    return max(ranked, default=(False, 0, 0, None))[-1]


async def _sessions_of(db: Database, life: Life, names: Collection[str]) -> list[Document]:
    """As their turns say, also those that are open."""
    if not names:
        return []
    ids = [session_id(life.mark, name) for name in names]
    fields = ["s", "n", "messages", "last", "created"]
    stored, open_ = await asyncio.gather(
        db.some("session", {"_id": {"$in": ids}}, fields=fields),
        db.some("turn", {"open": True, "o": life.mark, "s": {"$in": list(names)}}, fields=fields),
    )
    return list({one["s"]: one for one in sorted([*stored, *open_], key=itemgetter("n"))}.values())


async def messages(db: Database, scope: Scope, session: str, cursor: str | None, limit: int) -> Page[Message]:
    check_ids(scope.tenant, scope.entity, session)
    number, place = cursors.place(cursor)
    life = await lives.find(db, scope)
    if life is None:
        return Page((), None, 0)
    found: list[tuple[str, Message]] = []
    async for turn in said_from(db, {"o": life.mark, "s": session, "n": {"$gte": number}}):
        skipped = place if turn["n"] == number else 0
        said = (await words(db, turn))[skipped:]
        found += [(f"{turn['n']} {at + 1}", read_message(one)) for at, one in enumerate(said, skipped)]
        if len(found) > limit:
            break
    stored = await _sessions_of(db, life, [session])
    total = stored[0]["messages"] if stored else 0
    return cursors.page(found, limit, total, read=lambda row: row[1], cursor=lambda row: row[0])


async def said_from(db: Database, query: Document) -> AsyncIterator[Document]:
    """Turns in the order of their sessions, read as they are wanted."""
    after: Document = {}
    while True:
        turns = await db.some("turn", {"$and": [query, after]}, order=[("s", 1), ("n", 1)], limit=_PAGE)
        for turn in turns:
            yield turn
        if len(turns) < _PAGE:
            return
        last = turns[-1]
        after = {"$or": [{"s": last["s"], "n": {"$gt": last["n"]}}, {"s": {"$gt": last["s"]}}]}


async def unaugmented(db: Database, scope: Scope, session: str, limit: int) -> list[Message]:
    check_ids(scope.tenant, scope.entity, session)
    life = await lives.find(db, scope)
    if life is None:
        return []
    found: list[Message] = []
    async for turn in said_from(db, {"o": life.mark, "s": session, "left": {"$gte": ""}}):
        left = set(turn["left"])
        found += [read_message(one) for one in await words(db, turn) if one[0] in left]
        if len(found) >= limit:
            break
    return found[:limit]


async def sessions(db: Database, scope: Scope, cursor: str | None, limit: int) -> Page[Session]:
    time, last_id = cursors.newest(cursor)
    life = await lives.find(db, scope)
    if life is None:
        return Page((), None, 0)
    await meet(db, [life.mark])
    older = {"$or": [{"created": {"$lt": time}}, {"created": time, "s": {"$lt": last_id}}]}
    found = await db.some("session", {"o": life.mark, **older}, order=[("created", -1), ("s", -1)], limit=limit + 1)
    total = await db.count("session", {"o": life.mark})
    return cursors.page(found, limit, total, read=read_session, cursor=lambda one: f"{one['created']} {one['s']}")
