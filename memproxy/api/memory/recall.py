"""Recalling through the API: what a chat would get for a question, and why."""

from __future__ import annotations

from memproxy.api.memory.calls import Asked
from memproxy.api.memory.fields import Nothing
from memproxy.api.memory.inputs import RecallIn
from memproxy.api.memory.means import Means
from memproxy.api.memory.outputs import RecallOut
from memproxy.recall.engine import Query


async def recall(means: Means, asked: Asked[Nothing, RecallIn]) -> RecallOut:
    body, key = asked.body, asked.caller.key
    recalled = await means.recall.recall(
        Query(
            scope=asked.scope_of(body.process),
            text=body.query,
            version=None,
            budget=body.token_budget,
            limit=body.limit,
            process_only=means.process_only or body.process is not None or bool(key and key.recall_scope == "process"),
            kinds=frozenset(body.kinds) if body.kinds is not None else None,
            at=body.at,
            # What a chat would get; no chat asks for kinds, and who does wants to see the best of them.
            floor=body.kinds is None,
        )
    )
    return RecallOut.of(recalled.block)
