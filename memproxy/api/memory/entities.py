"""Entities as their owner sees them: listed, looked at, carried away, brought in, erased."""

from __future__ import annotations

from collections.abc import AsyncIterator

from memproxy import archive
from memproxy.api.memory.calls import Asked, Lines
from memproxy.api.memory.fields import Nothing
from memproxy.api.memory.inputs import ListQuery
from memproxy.api.memory.means import Means
from memproxy.api.memory.outputs import EntitiesOut, EntityOut, FactOut, ImportOut, ProfileOut
from memproxy.api.memory.underway import Import
from memproxy.domain import FactState, Page, Scope
from memproxy.errors import NotFound

PROFILE = 100
"""Facts of a profile that are shown; who wants more asks for the list."""


async def entities(means: Means, asked: Asked[ListQuery, Nothing]) -> EntitiesOut:
    """A key that is bound to an entity sees no other."""
    bound, tenant = asked.entity_of(None), asked.caller.tenant
    if bound is not None:
        known = await means.archive.entity(Scope(tenant, bound))
        return EntitiesOut.page(Page((known,) if known else (), None, 1 if known else 0), EntityOut.of)
    page = await means.archive.entities(tenant, cursor=asked.query.cursor, limit=asked.query.limit)
    return EntitiesOut.page(page, EntityOut.of)


async def entity(means: Means, asked: Asked[Nothing, Nothing]) -> ProfileOut:
    known = await means.archive.entity(asked.scope)
    if known is None:
        raise NotFound("nothing is known of this entity", param="entity")
    current = (FactState.CURRENT,)
    page = await means.memory.facts(
        asked.scope, states=current, kinds=("profile",), text=None, cursor=None, limit=PROFILE
    )
    return ProfileOut(**dict(EntityOut.of(known)), profile=list(map(FactOut.of, page.items)))


async def erase(means: Means, asked: Asked[Nothing, Nothing]) -> EntityOut:
    async with means.underway.erasing(asked.scope):
        return EntityOut.of(await means.curation.erase(asked.scope))


async def export(means: Means, asked: Asked[Nothing, Nothing]) -> Lines:
    return Lines(archive.lines(means.archive, asked.scope))


async def bring_in(means: Means, asked: Asked[Nothing, Lines]) -> ImportOut:
    async with means.underway.importing(asked.scope) as running:
        pieces = _watched(asked.body, running)
        return ImportOut.of(
            await archive.take_in(means.archive, means.memory, means.jobs, asked.scope, pieces, means.clock)
        )


async def _watched(body: Lines, running: Import) -> AsyncIterator[bytes]:
    source = aiter(body)
    while (piece := await running.wait(anext(source, None))) is not None:
        yield piece
