"""The group commit: each turn becomes one document, which decides it; what follows from it is made afterwards.

    what this process knows ─► turn documents    later: ─► sessions counted up, jobs queued ─► not `open` any more
    of entities and sessions   (decided here)

A turn names the `_id` of the one that may follow it. Of two who write to one session at once, one finds it taken, reads
what the other wrote and begins anew. So nothing need be read first (`tails.py`).

What follows from a turn is made for many at once: before jobs are claimed, and where many wait. Until then the turn is
`open`, and whoever meets it makes what follows: who reads the entity's sessions, the next commit of another to the
session, or the sweep, where its writer died.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter

from bson import ObjectId

from memproxy.domain import Committed, Job, Scope, Turn
from memproxy.errors import StoreUnavailable
from memproxy.storable import check_ids, micros
from memproxy_mongo import change, ledger, lives
from memproxy_mongo.documents import job_document, part_ids, put_words, request_mark, session_document, usage_document
from memproxy_mongo.driver import Database, Document
from memproxy_mongo.filling import Filling
from memproxy_mongo.lives import Life, Name
from memproxy_mongo.tails import FOLLOWED, Recent

_ROUNDS = 1000
"""Times to begin anew where others write to the same sessions. Each time somebody's turn is stored."""

_SWEEP = 500
"""Turns to follow up in one go."""

_RISING = ("n", "last", "messages", "entries")
"""Fields of a session that no turn makes less. The others are as its first turn has them."""

_MANY = 256
"""Turns to follow up during a commit, where nobody has done it before."""


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
    alive = await lives.find_all(db, {_name(job.scope) for job in jobs})
    marks = {name: life.mark for name, life in alive.items()}
    await db.add("job", [job_document(job, marks.get(_name(job.scope))) for job in jobs])


async def _store(db: Database, recent: Recent, turns: Mapping[int, Turn]) -> dict[int, int]:
    """How many messages each added; those that must begin anew are left out."""
    known = await recent.named(db, {_name(turn.scope) for turn in turns.values()})
    fillings = {place: begin(recent, known[_name(turn.scope)], turn.session) for place, turn in turns.items()}
    documents = {place: await _document(db, fillings[place], turn) for place, turn in turns.items()}
    done = await store(db, recent, fillings, documents)
    spare = [job for place, turn in turns.items() if documents[place] is None and place in done for job in turn.jobs]
    if spare:
        await enqueue(db, spare)
    return {place: len(fillings[place].said) for place in done}


def begin(recent: Recent, life: Life, session: str) -> Filling:
    """A turn of the session; it goes to `store`, or what is known of the session is lost."""
    return Filling(life, session, recent.take(life.mark, session))


async def _document(db: Database, session: Filling, turn: Turn) -> Document | None:
    """None where the session holds all of it."""
    session.seen, before = turn.seen, session.last
    session.open(turn.scope.process, turn.at)
    given = turn.injection
    if given is not None and not await ledger.holds(db, session.life, given, turn.seen):
        given = given.emptied()
    noted = given is not None and session.note(given)
    said = sum([session.say(message) for message in turn.messages])
    used = turn.usage is not None and not session.holds(request_mark(turn.request_id))
    if not (session.new or noted or said or used or micros(turn.at) > before):
        return None
    session.last = max(session.last, micros(turn.at))
    made = session.document(at=micros(turn.at))
    if used and turn.usage is not None:
        made["usage"] = usage_document(turn.usage)
        made["marks"].append(request_mark(turn.request_id))
    if turn.jobs:
        made["jobs"] = [job_document(job, session.life.mark) for job in turn.jobs]
    return made


async def store(
    db: Database, recent: Recent, fillings: Mapping[int, Filling], documents: Mapping[int, Document | None]
) -> Collection[int]:
    """Decide the turns that have a document, and make what follows; give those that are stored, or had nothing to add,
    in a life that goes on."""
    made = {place: document for place, document in documents.items() if document is not None}
    for document in made.values():
        await put_words(db, document)
    places = list(made)
    there, now = await asyncio.gather(
        db.add("turn", list(made.values())),
        # Begun after the turns came: one of an entity that was erased before begins anew.
        lives.find_all(db, {(f.life.tenant, f.life.entity) for f in fillings.values()}),
    )
    taken = {places[n] for n in there}
    for place, document in made.items():
        if place not in taken:
            recent.follow_later(document)
    await asyncio.gather(
        _make_way(db, recent, {place: fillings[place] for place in taken}, [made[place] for place in taken]),
        follow_up(db, recent.to_follow(least=_MANY)),
    )
    return await _settle(db, recent, {place: f for place, f in fillings.items() if place not in taken}, made, now)


async def _settle(
    db: Database,
    recent: Recent,
    fillings: Mapping[int, Filling],
    made: Mapping[int, Document],
    now: Mapping[Name, Life],
) -> Collection[int]:
    """Those whose entity was not erased before they were stored; of the others nothing stays."""
    ended: set[ObjectId] = set()
    done = []
    for place, filling in fillings.items():
        name = (filling.life.tenant, filling.life.entity)
        life = now.get(name)
        if life is None or life.mark != filling.life.mark:
            ended.add(filling.life.mark)
            recent.drop(name)
            continue
        done.append(place)
        recent.keep(name, life)
        if place in made:
            await ledger.settle(db, life, [made[place]])
            filling.tail.go_past(made[place])
        recent.keep_tail(life.mark, filling.name, filling.tail)
    for mark in ended:
        await change.wipe(db, mark)
    return done


async def follow_up(db: Database, turns: Sequence[Document]) -> None:
    """Make what follows from turns that are stored; doing it twice does no harm."""
    alive = await _alive(db, turns)
    left = [turn for turn in turns if turn["o"] in alive]
    if not left:
        return
    await asyncio.gather(_queue(db, left), *(ledger.settle(db, alive[turn["o"]], [turn]) for turn in left))
    closed = {"$unset": {"open": "", "jobs": ""}}
    await asyncio.gather(
        db.change_all("turn", {"_id": {"$in": [turn["_id"] for turn in left]}}, closed),
        _alive(db, left),  # what was made for one that was erased meanwhile goes too
    )


async def _alive(db: Database, turns: Sequence[Document]) -> Mapping[ObjectId, Life]:
    """The lives of these turns that have not ended; of the others nothing stays."""
    marks = {turn["o"] for turn in turns}
    alive = await lives.alive(db, marks)
    for mark in marks - set(alive):
        await change.wipe_if_ended(db, mark)
    return alive


async def _queue(db: Database, turns: Sequence[Document]) -> None:
    last = {(turn["o"], turn["s"]): turn for turn in sorted(turns, key=itemgetter("n"))}
    sessions = [session_document(turn) for turn in last.values()]
    jobs = [job for turn in turns for job in turn.get("jobs", ())]
    await asyncio.gather(db.raise_to("session", sessions, fields=_RISING), db.add("job", jobs))


async def _make_way(db: Database, recent: Recent, late: Mapping[int, Filling], turns: Sequence[Document]) -> None:
    """Somebody else stored turns under the numbers of these, and may be dead by now. Read what they wrote."""
    if not late:
        return
    tails = {(f.life.mark, f.name): f.tail for f in late.values()}
    asked = [{"o": mark, "s": name, "n": {"$gte": tail.number}} for (mark, name), tail in tails.items()]
    found = await db.some("turn", {"$or": asked}, fields=[*FOLLOWED, "marks", "open"], order=[("n", 1)])
    await follow_up(db, [turn for turn in found if turn.get("open")])
    for turn in found:
        tails[turn["o"], turn["s"]].go_past(turn)
    for (mark, name), tail in tails.items():
        recent.keep_tail(mark, name, tail)
    parts = [one for turn in turns if "parts" in turn for one in part_ids(turn["parts"])]
    if parts:
        await db.remove("part", {"_id": {"$in": parts}})


async def sweep(db: Database) -> None:
    """Follow up what is open, whoever wrote it, and lives or not."""
    while True:
        found = await db.some("turn", {"open": True}, fields=FOLLOWED, limit=_SWEEP)
        await follow_up(db, found)
        if len(found) < _SWEEP:
            return


async def meet(db: Database, marks: Collection[ObjectId]) -> None:
    """Follow up what is open in these lives, so that their sessions are as their turns say."""
    await follow_up(db, await db.some("turn", {"open": True, "o": {"$in": list(marks)}}, fields=FOLLOWED))
