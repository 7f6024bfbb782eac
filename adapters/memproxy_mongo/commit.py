"""The group commit: each turn becomes one document, which decides it; what follows from it is made afterwards.

    entities ─► sessions ─► what they hold ─► turn documents ─► sessions counted up, jobs queued ─► not `open` any more
                                               (decided here)

A turn's number in its session is unique: of two who write to one session at once, one finds the number taken, and
begins anew with what the other wrote. Turns whose writer died before it made what follows stay `open`, and are
followed up by whoever meets them: the next commit to the session, or the sweep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bson import ObjectId

from memproxy.domain import ANCHOR, Committed, Injection, Job, Message, Scope, Turn
from memproxy.errors import StoreUnavailable
from memproxy.storable import check_ids, clean, digest, joined, micros
from memproxy_mongo import change, ledger, lives
from memproxy_mongo.documents import (
    anchor_mark,
    entry_document,
    id_mark,
    job_document,
    key_mark,
    marks_of,
    message_document,
    part_ids,
    put_words,
    request_mark,
    session_document,
    session_id,
    usage_document,
)
from memproxy_mongo.driver import Database, Document
from memproxy_mongo.lives import Life, Name, Recent

_ROUNDS = 1000
"""Times to begin anew where others write to the same sessions. Each time somebody's turn is stored."""

_SWEEP = 500
"""Turns to follow up in one go."""


@dataclass(slots=True)
class Filling:
    """A session, and the turn that is being added to it."""

    life: Life
    name: str
    number: int = 0
    process: str | None = None
    created: int = 0
    last: int = 0
    messages: int = 0
    entries: int = 0
    new: bool = True
    begun: bool = False
    held: set[bytes] = field(default_factory=set)
    """Marks of what the session holds."""
    said: list[Message] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Ids of those that need extraction."""
    entry: Injection | None = None
    seen: int = 0
    """The version that the entry was recalled from."""

    def open(self, process: str | None, created_at: datetime) -> bool:
        """Whether the session begins with this."""
        begins = self.new and not self.begun
        if begins:
            self.begun, self.process = True, process
            self.created = self.last = micros(created_at)
        return begins

    def say(self, message: Message, *, augmented: bool = False) -> bool:
        """Whether the session did not hold the message."""
        marks = {key_mark(message.key)}
        if message.external_id is not None:
            marks.add(id_mark(message.external_id))
        if self.held & marks:
            return False
        self.held |= marks
        self.said.append(message)
        if not augmented:
            self.left.append(message.id)
        return True

    def note(self, given: Injection) -> bool:
        """Whether the session's ledger did not hold the entry."""
        if anchor_mark(given.anchor) in self.held:
            return False
        self.held.add(anchor_mark(given.anchor))
        self.entry = given
        return True

    def document(self, *, at: int) -> Document:
        """The turn, with the session as it is after it; `at` is when an entry without a time was given."""
        made: Document = {
            "_id": ObjectId(),
            "o": self.life.mark,
            "s": self.name,
            "n": self.number,
            "open": True,
            "process": self.process,
            "created": self.created,
            "last": self.last,
            "first": self.messages,
            "messages": self.messages + len(self.said),
            "entries": self.entries + (self.entry is not None),
            "said": [message_document(message) for message in self.said],
            "left": self.left,
            # Keys first: their places are the places of the messages.
            "marks": [key_mark(m.key) for m in self.said]
            + [id_mark(m.external_id) for m in self.said if m.external_id is not None],
        }
        if self.entry is not None:
            made["marks"].append(anchor_mark(self.entry.anchor))
            made |= self._ledger(self.entry, at)
        return made

    def _ledger(self, given: Injection, at: int) -> Document:
        return {
            "entry": entry_document(given, at=at),
            "ledger": len(given.anchor) == ANCHOR,
            "shown": bool(given.block),
            "at": self.life.version,
            "seen": self.seen,
            "request": digest(joined(self.life.tenant, clean(given.request_id))),
        }


def _name(scope: Scope) -> Name:
    return (scope.tenant, scope.entity)


async def commit(db: Database, recent: Recent, turns: Sequence[Turn]) -> list[Committed]:
    for turn in turns:
        check_ids(turn.scope.tenant, turn.scope.entity, turn.scope.process, turn.session)
    waiting = dict(enumerate(turns))
    added: dict[int, int] = {}
    for _ in range(_ROUNDS):
        if not waiting:
            return [Committed(added[place]) for place in range(len(turns))]
        # One turn of each session at a time: what the second adds depends on what became of the first.
        first: dict[tuple[str, str, str], int] = {}
        for place, turn in waiting.items():
            first.setdefault((*_name(turn.scope), turn.session), place)
        done = await _store(db, recent, {place: waiting[place] for place in first.values()})
        added |= done
        waiting = {place: turn for place, turn in waiting.items() if place not in done}
    raise StoreUnavailable(f"Too many write to one session of the database {db.place} at once; try again.")


async def enqueue(db: Database, jobs: Sequence[Job]) -> None:
    for job in jobs:
        check_ids(job.scope.tenant, job.scope.entity, job.id)
    await db.add("job", [job_document(job) for job in jobs])


async def _store(db: Database, recent: Recent, turns: Mapping[int, Turn]) -> dict[int, int]:
    """How many messages each added; those whose number was taken meanwhile are left out."""
    known = await recent.named(db, {_name(turn.scope) for turn in turns.values()})
    fillings = await filled(db, {place: (known[_name(turn.scope)], turn) for place, turn in turns.items()})
    documents = {place: await _document(db, fillings[place], turn) for place, turn in turns.items()}
    done = await store(db, fillings, {place: made for place, made in documents.items() if made is not None})
    spare = [job for place, turn in turns.items() if documents[place] is None for job in turn.jobs]
    if spare:
        await enqueue(db, spare)
    for place, turn in turns.items():
        if place in done:
            recent.keep(_name(turn.scope), done[place])
        else:
            recent.drop(_name(turn.scope))
    return {place: len(fillings[place].said) for place, made in documents.items() if made is None or place in done}


async def filled(db: Database, turns: Mapping[int, tuple[Life, Turn]]) -> dict[int, Filling]:
    """The sessions of the turns, and of what the turns bring, what they hold already. The sessions are read first: who
    writes to them after that has taken the number of the turn."""
    fillings = {place: Filling(life, turn.session) for place, (life, turn) in turns.items()}
    ids = {session_id(f.life.mark, f.name): f for f in fillings.values()}
    for stored in await db.some("session", {"_id": {"$in": list(ids)}}):
        session = ids[stored["_id"]]
        session.number, session.new = stored["n"] + 1, False
        session.process, session.created, session.last = stored["process"], stored["created"], stored["last"]
        session.messages, session.entries = stored["messages"], stored["entries"]
    marks: dict[ObjectId, set[bytes]] = {}
    for life, turn in turns.values():
        marks.setdefault(life.mark, set()).update(marks_of(turn))
    asked = [{"o": life, "marks": {"$in": list(wanted)}} for life, wanted in marks.items() if wanted]
    for stored in await db.some("turn", {"$or": asked}, fields=["o", "s", "marks"]) if asked else ():
        holder = ids.get(session_id(stored["o"], stored["s"]))
        if holder is not None:
            holder.held.update(stored["marks"])
    return fillings


async def _document(db: Database, session: Filling, turn: Turn) -> Document | None:
    """None where the session holds all of it."""
    new, last, session.seen = session.new, session.last, turn.seen
    session.open(turn.scope.process, turn.at)
    given = turn.injection
    if given is not None and not await ledger.holds(db, session.life, given, turn.seen):
        given = given.emptied()
    noted = given is not None and session.note(given)
    said = sum([session.say(message) for message in turn.messages])
    used = turn.usage is not None and request_mark(turn.request_id) not in session.held
    if not (new or noted or said or used or micros(turn.at) > last):
        return None
    session.last = max(session.last, micros(turn.at))
    made = session.document(at=micros(turn.at))
    if used and turn.usage is not None:
        made["usage"] = usage_document(turn.usage)
        made["marks"].append(request_mark(turn.request_id))
    if turn.jobs:
        made["jobs"] = [job_document(job) for job in turn.jobs]
    return made


async def store(db: Database, fillings: Mapping[int, Filling], documents: Mapping[int, Document]) -> dict[int, Life]:
    """Decide the turns, and make what follows; give those that are stored, with what their life is by now."""
    for made in documents.values():
        await put_words(db, made)
    places = list(documents)
    taken = {places[n] for n in await db.add("turn", list(documents.values()))}
    stored = {place: made for place, made in documents.items() if place not in taken}
    if taken:
        await _make_way(db, [documents[place] for place in taken])
    await _queue(db, list(stored.values()))
    lived = {place: (fillings[place].life, made) for place, made in stored.items()}
    _, alive = await asyncio.gather(_close(db, list(stored.values())), _alive(db, lived))
    return alive


async def _alive(db: Database, stored: Mapping[int, tuple[Life, Document]]) -> dict[int, Life]:
    """Those whose entity was not erased while they were stored; of the others nothing stays."""
    now = await lives.find_all(db, {(life.tenant, life.entity) for life, _ in stored.values()})
    alive = {life.mark: life for life in now.values()}
    for mark in {life.mark for life, _ in stored.values()} - set(alive):
        await change.wipe(db, mark)
    for life, made in stored.values():
        if life.mark in alive:
            await ledger.settle(db, alive[life.mark], [made])
    return {place: alive[life.mark] for place, (life, _) in stored.items() if life.mark in alive}


async def follow_up(db: Database, turns: Sequence[Document]) -> None:
    """Make what follows from turns that are stored; doing it twice does no harm."""
    await _queue(db, turns)
    await _close(db, turns)


async def _queue(db: Database, turns: Sequence[Document]) -> None:
    sessions = [session_document(turn) for turn in sorted(turns, key=lambda turn: -turn["n"])]
    jobs = [job for turn in turns for job in turn.get("jobs", ())]
    await asyncio.gather(db.put("session", sessions, mark="n"), db.add("job", jobs))


async def _close(db: Database, turns: Sequence[Document]) -> None:
    if turns:
        ids = {"_id": {"$in": [turn["_id"] for turn in turns]}}
        await db.change_all("turn", ids, {"$unset": {"open": "", "jobs": ""}})


async def _make_way(db: Database, turns: Sequence[Document]) -> None:
    """Somebody else stored a turn under the number of each of these, and may be dead by now."""
    for turn in turns:
        place = {"o": turn["o"], "s": turn["s"], "open": True}
        await follow_up(db, await db.some("turn", place, order=[("n", 1)]))
        if "parts" in turn:
            await db.remove("part", {"_id": {"$in": part_ids(turn["parts"])}})


async def sweep(db: Database) -> None:
    """Follow up what was left open by writers that died."""
    turns = await db.some("turn", {"open": True}, limit=_SWEEP)
    marks = {turn["o"] for turn in turns}
    found = await db.some("entity", {"o": {"$in": list(marks)}}, fields=["o"]) if marks else []
    alive = {one["o"] for one in found}
    for mark in marks - alive:
        await change.wipe_if_ended(db, mark)
    await follow_up(db, [turn for turn in turns if turn["o"] in alive])
