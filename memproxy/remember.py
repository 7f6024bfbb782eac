"""What one exchange adds to its session: from what was sent, what is held already, and what was answered.

Where the store is away nobody knows what it holds. The turn then carries everything, with what its session is found by,
and is settled when the store is back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from memproxy.dialects.dialect import Answer, Said
from memproxy.domain import Job, Known, Message, Sought, Turn
from memproxy.exchange import Exchange
from memproxy.identity import answer_key, reply_key, unheld, unheld_places
from memproxy.ids import new_id
from memproxy.ports import Turns


def asked(answer: str) -> str:
    """Under which id the message is kept that asked for an answer still being made."""
    return answer + "?"


def known_by(answer: str) -> tuple[str, str]:
    """The ids by which the session of a stored answer is known."""
    return answer, asked(answer)


def worth_keeping(exchange: Exchange, answer: Answer | None, *, complete: bool) -> bool:
    """A whole reply without an answer says nothing: the upstream answered something else. A fetched answer that is not
    whole yet will be fetched again."""
    if exchange.call.fetched:
        return answer is not None and not answer.pending and complete
    return answer is not None or not complete


def turn(
    exchange: Exchange, known: Known | None, answer: Answer | None, *, complete: bool, now: datetime
) -> Turn | None:
    """None where it would make a ledger that no later request can find again. `known` is None while the store is
    away."""
    assert exchange.scope is not None
    assert exchange.session is not None
    call = exchange.call
    session = call.session or (known.session if known else None)
    if session is None and not call.mode.writes:
        return None
    session = session or exchange.session
    messages = _messages(exchange, known, answer, complete, now) if call.mode.writes else ()
    job = Job(new_id(), "extract", exchange.scope, session, now, now)
    return Turn(
        scope=exchange.scope,
        session=session,
        request_id=call.request_id,
        at=now,
        messages=messages,
        injection=exchange.injection,
        jobs=(job,) if messages else (),
        usage=answer.usage if answer else None,
        seen=exchange.known.version if exchange.known else 0,
        sought=_sought(exchange, answer) if known is None else None,
    )


def _sought(exchange: Exchange, answer: Answer | None) -> Sought:
    return Sought(
        session=exchange.call.session,
        pairs=tuple(message.key for message in reversed(exchange.messages) if message.follows),
        ids=known_by(exchange.previous) if exchange.previous else (),
        answered=exchange.call.mode.writes and answer is not None and not answer.pending,
    )


async def settled(store: Turns, late: Turn) -> Turn:
    """A turn that was made while the store was away, as it would have been made with it. Raises what `look` raises."""
    sought = late.sought
    if sought is None:
        return late
    keys = [message.key for message in late.messages]
    known = await store.look(late.scope, session=sought.session, keys=keys, pairs=sought.pairs, ids=sought.ids)
    said = late.messages[:-1] if sought.answered else late.messages
    fresh = unheld_places([message.role for message in said], keys[: len(said)], known.held)
    session = sought.session or known.session or late.session
    return replace(
        late,
        session=session,
        messages=(*(said[place] for place in fresh), *late.messages[len(said) :]),
        jobs=tuple(replace(job, session=session) for job in late.jobs),
        sought=None,
    )


def _messages(
    exchange: Exchange, known: Known | None, answer: Answer | None, complete: bool, now: datetime
) -> tuple[Message, ...]:
    new = [
        _message(message.said, message.key, now)
        for message in unheld(exchange.messages, known.held if known else frozenset())
    ]
    if answer is not None and not answer.pending:
        new.append(_answered(exchange, answer, complete, now))
    elif answer is not None and answer.id and new:
        new[-1] = replace(new[-1], external_id=asked(answer.id))
    return tuple(new)


def _answered(exchange: Exchange, answer: Answer, complete: bool, now: datetime) -> Message:
    said = Said("assistant", answer.text, calls=answer.calls, extra=answer.extra)
    resent = said if answer.resent is None else replace(said, text=answer.resent)
    fetched = exchange.call.fetched
    key = answer_key(fetched) if fetched else reply_key([message.said for message in exchange.messages], resent)
    message = _message(said, key, now)
    return replace(message, external_id=answer.id or fetched, complete=complete and answer.complete)


def _message(said: Said, key: bytes, now: datetime) -> Message:
    return Message(new_id(), said.role, said.text, key, now, name=said.name, extra=said.extra)
