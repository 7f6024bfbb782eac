"""Facts in the hands of whoever they are about: looked through, added, corrected, pinned, forgotten."""

from __future__ import annotations

from memproxy.api.memory.calls import Asked
from memproxy.api.memory.fields import Nothing
from memproxy.api.memory.inputs import FactIn, FactPatch, FactsQuery, ListQuery
from memproxy.api.memory.means import Means
from memproxy.api.memory.outputs import EventOut, FactOut, FactsOut, HistoryOut
from memproxy.curation import FactChange, NewFact
from memproxy.domain import Fact, FactState, Page, Scope
from memproxy.errors import BadRequest, NotFound

STATES = {
    "current": (FactState.CURRENT,),
    "superseded": (FactState.SUPERSEDED,),
    "all": (FactState.CURRENT, FactState.SUPERSEDED),
}


async def facts(means: Means, asked: Asked[FactsQuery, Nothing]) -> FactsOut:
    query = asked.query
    page = await means.memory.facts(
        asked.scope,
        states=STATES[query.state],
        kinds=(query.kind,) if query.kind else (),
        text=query.q or None,
        cursor=query.cursor,
        limit=query.limit,
    )
    return FactsOut.page(page, FactOut.of)


async def add_fact(means: Means, asked: Asked[Nothing, FactIn]) -> FactOut:
    scope = asked.scope_of(asked.body.process)
    return FactOut.of(await means.curation.add(scope, NewFact(**asked.body.model_dump(exclude={"process"}))))


async def fact(means: Means, asked: Asked[Nothing, Nothing]) -> FactOut:
    return FactOut.of(await _there(means, asked.scope, asked.ids["id"]))


async def change_fact(means: Means, asked: Asked[Nothing, FactPatch]) -> FactOut:
    change = FactChange(**asked.body.model_dump(include=asked.body.model_fields_set))
    return FactOut.of(await means.curation.change(asked.scope, asked.ids["id"], change))


async def forget_fact(means: Means, asked: Asked[Nothing, Nothing]) -> Nothing:
    await means.curation.forget(asked.scope, asked.ids["id"])
    return Nothing()


async def history(means: Means, asked: Asked[ListQuery, Nothing]) -> HistoryOut:
    """Oldest first; the cursor is how many were shown."""
    known = await _there(means, asked.scope, asked.ids["id"])
    events = await means.memory.history(asked.scope, known.id)
    start, limit = _position(asked.query.cursor), asked.query.limit
    end = start + limit
    page = Page(tuple(events[start:end]), str(end) if end < len(events) else None, len(events))
    return HistoryOut.page(page, EventOut.of)


async def _there(means: Means, scope: Scope, fact_id: str) -> Fact:
    """What was forgotten is not there: all that is left of it is that it must not come back."""
    for found in await means.memory.fetch(scope, [fact_id]):
        if found.state is not FactState.FORGOTTEN:
            return found
    raise NotFound("the entity has no fact of this id", param="id")


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        raise BadRequest("cursor is not one that this list gave out; leave it out to start anew", param="cursor")
    return int(cursor)
