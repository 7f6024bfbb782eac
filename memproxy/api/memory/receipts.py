"""Receipts: what was put into one request and why, read from the session's ledger and the facts as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel

from memproxy.api.memory.calls import Asked
from memproxy.api.memory.fields import Nothing
from memproxy.api.memory.means import Means
from memproxy.api.memory.outputs import GivenOut, LeftOutOut, ReceiptOut, SourceOut
from memproxy.domain import Fact, FactState, Receipt
from memproxy.errors import NotFound


class Ranked(BaseModel):
    id: str
    score: float
    why: dict[str, float]


class Dropped(BaseModel):
    id: str
    reason: str


class Written(BaseModel):
    """The ledger's own words, as `Recall.receipt` and the pipeline write them."""

    facts: list[Ranked] = []
    left_out: list[Dropped] = []
    degraded: str | None = None
    note: str | None = None
    given_with: str | None = None


async def receipt(means: Means, asked: Asked[Nothing, Nothing]) -> ReceiptOut:
    found = await _find(means, asked, asked.ids["request_id"])
    written = Written.model_validate_json(found.injection.receipt)
    if written.given_with is None:
        return await _shown(means, found, written, None)
    first = await _find(means, asked, written.given_with)
    as_given = replace(first.injection, request_id=found.injection.request_id, created_at=found.injection.created_at)
    made = Written.model_validate_json(as_given.receipt)
    return await _shown(means, replace(first, injection=as_given), made, written.given_with)


async def _find(means: Means, asked: Asked[Nothing, Nothing], request_id: str) -> Receipt:
    """Another's receipt is answered as one that does not exist."""
    found = await means.archive.receipt(asked.caller.tenant, request_id)
    if found is None or (asked.caller.key and asked.caller.key.entity not in (None, found.scope.entity)):
        raise NotFound("there is no receipt for this request", param="request_id")
    return found


async def _shown(means: Means, found: Receipt, written: Written, given_with: str | None) -> ReceiptOut:
    ids = [*(fact.id for fact in written.facts), *(fact.id for fact in written.left_out)]
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
        facts=[_given(fact, known) for fact in written.facts],
        left_out=[_left_out(fact, known) for fact in written.left_out],
        degraded=written.degraded,
        note=written.note,
        given_with=given_with,
    )


def _given(ranked: Ranked, known: Mapping[str, Fact]) -> GivenOut:
    fact = known.get(ranked.id)
    return GivenOut(
        fact_id=ranked.id,
        kind=fact.kind if fact else None,
        text=fact.text if fact else None,
        state=fact.state.value if fact else None,
        score=ranked.score,
        why=ranked.why,
        sources=list(map(SourceOut.of, fact.sources)) if fact else [],
    )


def _left_out(dropped: Dropped, known: Mapping[str, Fact]) -> LeftOutOut:
    fact = known.get(dropped.id)
    return LeftOutOut(fact_id=dropped.id, text=fact.text if fact else None, reason=dropped.reason)
