"""The background, as its owner sees it: what waits, what failed, and trying again."""

from __future__ import annotations

from memproxy.api.memory.calls import Asked
from memproxy.api.memory.fields import Nothing
from memproxy.api.memory.inputs import JobsQuery
from memproxy.api.memory.means import Means
from memproxy.api.memory.outputs import JobOut, JobsOut
from memproxy.domain import JobState

STATES = {
    None: (),
    "pending": (JobState.PENDING, JobState.RUNNING),
    "running": (JobState.RUNNING,),
    "done": (JobState.DONE,),
    "dead": (JobState.DEAD,),
}


async def jobs(means: Means, asked: Asked[JobsQuery, Nothing]) -> JobsOut:
    query = asked.query
    page = await means.board.jobs(
        asked.caller.tenant,
        entity=asked.entity_of(query.entity),
        states=STATES[query.state],
        cursor=query.cursor,
        limit=query.limit,
    )
    return JobsOut.page(page, JobOut.of)


async def retry(means: Means, asked: Asked[Nothing, Nothing]) -> JobOut:
    entity = asked.entity_of(None)
    return JobOut.of(await means.board.retry(asked.caller.tenant, asked.ids["id"], entity=entity, now=means.clock()))
