"""Facts as they change: the feed of changes, and the writing of one. Reading what was asked for is in `facts.py`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TypeVar

from memproxy.domain import Changes, Event, Fact, FactState, MemoryWrite, Scope, Triple
from memproxy.errors import Conflict
from memproxy.storable import check_ids, clean, joined
from memproxy_mongo import change as changes_
from memproxy_mongo import lives
from memproxy_mongo.driver import Database, Document
from memproxy_mongo.fact_documents import (
    event_document,
    fact_document,
    gone_triple,
    in_life,
    read_fact,
    read_sources,
    triple_document,
)
from memproxy_mongo.lives import Life

Row = TypeVar("Row", Fact, Triple, Event)

_LOOKS = 8
"""Times to read a memory that is written to meanwhile; then what was read is given, with more than was asked for."""


async def changes(db: Database, scope: Scope, since: int) -> Changes:
    life = await lives.find(db, scope)
    if life is None:
        return Changes(0)
    if life.version <= since:
        return Changes(life.version, (), life.born)
    for _ in range(_LOOKS):
        found = await db.some("fact", {"o": life.mark, "v": {"$gt": since}}, order=[("number", 1)])
        now = await lives.find(db, scope)
        if now is None:
            return Changes(0)
        if now == life:
            break
        life = now
    return Changes(life.version, tuple(map(read_fact, found)), life.born)


async def write(db: Database, scope: Scope, change: MemoryWrite) -> int:
    check_ids(scope.tenant, scope.entity, scope.process)
    while True:
        life = await lives.find(db, scope)
        version = 0 if life is None else life.version
        if change.expected is not None and change.expected != version:
            raise Conflict(f"The memory is at version {version}, not {change.expected}: read it again.")
        if life is None:
            life = await lives.named(db, scope)
        new, replaced, highest = await _put(db, life, change.facts)
        forgotten = [fact.id for fact in change.facts if fact.state is FactState.FORGOTTEN]
        body = {
            "new": new,
            "facts": replaced,
            "triples": await _triples(db, life, change, forgotten),
            "events": [event_document(life.mark, event, life.version + 1) for event in change.events],
            "blank": forgotten,
            "unsaid": [clean(text) for text in change.unsaid],
            "augmented": list(change.augmented),
            "struck": [clean(line) for line in change.struck],
            "ids": [fact.id for fact in change.facts],
            "tells": bool(change.struck or forgotten or any(fact.authored for fact in change.facts)),
        }
        decided = await changes_.decide(db, _place(life), body, numbers=highest)
        if decided is not None:
            return decided
        if change.expected is not None:
            raise Conflict("Somebody else changed the memory first: read it again.")


async def add(
    db: Database, scope: Scope, facts: Sequence[Fact], triples: Sequence[Triple], events: Sequence[Event]
) -> int:
    """Those that are not there; how many they were."""
    while True:
        life = await lives.named(db, scope)
        new_facts = await _new(db, life, "fact", facts)
        new_triples = await _new(db, life, "triple", triples)
        new_events = await _new(db, life, "event", events)
        told = {triple.fact_id for triple in new_triples} | {event.fact_id for event in new_events}
        gone = await _forgotten(db, life, new_facts, told)
        new_triples = [triple for triple in new_triples if triple.fact_id not in gone]
        new_events = [replace(e, before=None, after=None) if e.fact_id in gone else e for e in new_events]
        documents, highest = _placed(life, new_facts, [])
        body = {
            "new": documents,
            "facts": [],
            "triples": [triple_document(life.mark, triple, life.version + 1) for triple in new_triples],
            "events": [event_document(life.mark, event, life.version + 1) for event in new_events],
            **{"blank": [], "unsaid": [], "augmented": [], "struck": [], "ids": [], "tells": False},
        }
        if await changes_.decide(db, _place(life), body, numbers=highest) is not None:
            return len(new_facts) + len(new_triples) + len(new_events)


def _place(life: Life) -> Document:
    return {"_id": joined(life.tenant, life.entity), "o": life.mark, "version": life.version}


async def _new(db: Database, life: Life, collection: str, rows: Sequence[Row]) -> list[Row]:
    """Of those with one id the first."""
    firsts: dict[str, Row] = {}
    for row in rows:
        firsts.setdefault(row.id, row)
    asked = {"_id": {"$in": [in_life(life.mark, name) for name in firsts]}, "gone": {"$ne": True}}
    held = {stored["id"] for stored in await db.some(collection, asked, fields=["id"])}
    return [row for name, row in firsts.items() if name not in held]


async def _forgotten(db: Database, life: Life, new: Sequence[Fact], ids: Collection[str]) -> set[str]:
    """Of these facts; `new` are those about to be added."""
    asked = {"_id": {"$in": [in_life(life.mark, fact_id) for fact_id in ids]}, "state": FactState.FORGOTTEN.value}
    found = {stored["id"] for stored in await db.some("fact", asked, fields=["id"])}
    return found | {fact.id for fact in new if fact.state is FactState.FORGOTTEN}


async def _put(db: Database, life: Life, facts: Sequence[Fact]) -> tuple[list[Document], list[Document], int]:
    """The facts as they are to be, those that are new and those that are not, and the highest number then."""
    asked = {"_id": {"$in": list({in_life(life.mark, fact.id) for fact in facts})}}
    stored = await db.some("fact", asked, fields=["id", "number", "sources"])
    documents, highest = _placed(life, facts, stored)
    held = {one["id"] for one in stored}
    new = [one for one in documents if one["id"] not in held]
    return new, [one for one in documents if one["id"] in held], highest


def _placed(life: Life, facts: Sequence[Fact], stored: Sequence[Document]) -> tuple[list[Document], int]:
    """The facts with their numbers and all their sources, and the highest number then."""
    numbers: dict[str, int] = {one["id"]: one["number"] for one in stored}
    sources = {one["id"]: {source.message_id: source for source in read_sources(one)} for one in stored}
    highest = life.numbers
    for fact in facts:
        if fact.id not in numbers:
            numbers[fact.id] = highest = highest + 1
        known = sources.setdefault(fact.id, {})
        for source in fact.sources:
            known.setdefault(source.message_id, source)
    documents = []
    for fact in {fact.id: fact for fact in facts}.values():
        ordered = [source for _, source in sorted(sources[fact.id].items())]
        placed = replace(fact, number=numbers[fact.id], version=life.version + 1)
        documents.append(fact_document(life.mark, placed, ordered))
    return documents, highest


async def _triples(db: Database, life: Life, change: MemoryWrite, forgotten: Sequence[str]) -> list[Document]:
    """Those that come and those that go."""
    loose = [*change.untied, *forgotten]
    if not (change.triples or loose):
        return []
    ids = [in_life(life.mark, triple.id) for triple in change.triples]
    there = await db.some("triple", {"_id": {"$in": ids}, "gone": False}, fields=["id", "fact"])
    if loose:
        there += await db.some("triple", {"o": life.mark, "fact": {"$in": loose}, "gone": False}, fields=["id", "fact"])
    version = life.version + 1
    untied = {one["id"] for one in there if one["fact"] in loose}
    held = {one["id"] for one in there} - untied
    documents = {name: gone_triple(life.mark, name, version) for name in untied}
    for triple in change.triples:
        if triple.id not in held and triple.fact_id not in forgotten:
            documents[triple.id] = triple_document(life.mark, triple, version)
            held.add(triple.id)
    return list(documents.values())
