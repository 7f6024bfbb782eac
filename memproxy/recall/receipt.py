"""What the ledger keeps of a recall beside its block: why each fact is in it, and what stayed out; as JSON.

One entry a request, so that each can be asked about. A request that goes on from a message which has its block already
(a tool loop, a retry) gets an entry that names the first one, under its own id instead of an anchor.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from memproxy.domain import Block, Injection
from memproxy.recall.engine import Recalled


class Ranked(msgspec.Struct, frozen=True):
    id: str
    score: float
    why: Mapping[str, float]


class LeftOut(msgspec.Struct, frozen=True):
    id: str
    reason: str


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    facts: tuple[Ranked, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    degraded: str | None = None
    note: str | None = None
    """Why nothing was looked for: `budget`, or `no_question`."""
    given_with: str | None = None
    """The request that the block was made for, where it was not this one."""


def entry(
    anchor: bytes,
    request_id: str,
    recalled: Recalled | None,
    now: datetime,
    *,
    degraded: str | None = None,
    note: str | None = None,
) -> Injection:
    """A new ledger entry. An empty block is an entry as well: the provider has seen the message without one."""
    found = recalled or Recalled(Block())
    block = found.block
    receipt = Receipt(
        facts=tuple(Ranked(hit.fact.id, round(hit.score, 4), hit.why) for hit in block.hits),
        left_out=tuple(LeftOut(fact, reason) for fact, reason in found.left_out),
        degraded=degraded,
        note=note,
    )
    facts = tuple(hit.fact.id for hit in block.hits)
    return Injection(anchor, block.text, block.tokens, facts, request_id, _ENCODER.encode(receipt), now)


def again(request_id: str, first: Injection | None, now: datetime) -> Injection:
    """The entry of a request whose message had its block, or has no message of the person's at all."""
    receipt = Receipt(given_with=first.request_id) if first else Receipt(note="no_question")
    return Injection(request_id.encode(), "", request_id=request_id, receipt=_ENCODER.encode(receipt), created_at=now)


def read(injection: Injection) -> Receipt:
    """An archive may have brought anything; what is no receipt says nothing."""
    try:
        return _DECODER.decode(injection.receipt)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Receipt()


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Receipt)
