"""Receipts: what was put into one request and why, read from the session's ledger and the facts as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from memproxy.api.memory.calls import Asked
from memproxy.api.memory.fields import Nothing
from memproxy.api.memory.means import Means
from memproxy.api.memory.outputs import GivenOut, LeftOutOut, ReceiptOut, SourceOut
from memproxy.domain import Fact, FactState, Receipt
from memproxy.errors import NotFound
from memproxy.recall import receipt as written


async def receipt(means: Means, asked: Asked[Nothing, Nothing]) -> ReceiptOut:
    found = await _find(means, asked, asked.ids["request_id"])
    first = written.read(found.injection).given_with
    if first is None:
        return await _shown(means, found, None)
    made = (await _find(means, asked, first)).injection
    again = replace(made, request_id=found.injection.request_id, created_at=found.injection.created_at)
    return await _shown(means, replace(found, injection=again), first)


async def _find(means: Means, asked: Asked[Nothing, Nothing], request_id: str) -> Receipt:
    """Another's receipt is answered as one that does not exist."""
    found = await means.archive.receipt(asked.caller.tenant, request_id)
    if found is None or (asked.caller.key and asked.caller.key.entity not in (None, found.scope.entity)):
        raise NotFound("there is no receipt for this request", param="request_id")
    return found


async def _shown(means: Means, found: Receipt, given_with: str | None) -> ReceiptOut:
    why = written.read(found.injection)
    ids = [*(fact.id for fact in why.facts), *(fact.id for fact in why.left_out)]
    known = {
        fact.id: fact for fact in await means.memory.fetch(found.scope, ids) if fact.state is not FactState.FORGOTTEN
    }
    return ReceiptOut(
        request_id=found.injection.request_id,
        entity=found.scope.entity,
        session=found.session,
        created_at=found.injection.created_at,
        block=found.injection.block,
        tokens=found.injection.tokens,
        facts=[_given(fact, known) for fact in why.facts],
        left_out=[_left_out(fact, known) for fact in why.left_out],
        degraded=why.degraded,
        note=why.note,
        given_with=given_with,
    )


def _given(ranked: written.Ranked, known: Mapping[str, Fact]) -> GivenOut:
    fact = known.get(ranked.id)
    return GivenOut(
        fact_id=ranked.id,
        kind=fact.kind if fact else None,
        text=fact.text if fact else None,
        state=fact.state.value if fact else None,
        score=ranked.score,
        why=dict(ranked.why),
        sources=list(map(SourceOut.of, fact.sources)) if fact else [],
    )


def _left_out(dropped: written.LeftOut, known: Mapping[str, Fact]) -> LeftOutOut:
    fact = known.get(dropped.id)
    return LeftOutOut(fact_id=dropped.id, text=fact.text if fact else None, reason=dropped.reason)
