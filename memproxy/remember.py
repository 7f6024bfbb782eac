"""What one exchange adds to its session: pure, from what was sent, what is held already, and what was answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from memproxy.dialects.dialect import Answer, Said
from memproxy.domain import Job, Known, Message, Turn
from memproxy.exchange import Exchange
from memproxy.identity import answer_key, reply_key, unheld
from memproxy.ids import new_id


def asked(answer: str) -> str:
    """Under which id the message is kept that asked for an answer still being made."""
    return answer + "?"


def worth_keeping(exchange: Exchange, answer: Answer | None, *, complete: bool) -> bool:
    """A whole reply without an answer says nothing: the upstream answered something else. A fetched answer that is not
    whole yet will be fetched again."""
    if exchange.call.fetched:
        return answer is not None and not answer.pending and complete
    return answer is not None or not complete


def turn(exchange: Exchange, known: Known, answer: Answer | None, *, complete: bool, now: datetime) -> Turn | None:
    """None where it would make a ledger that no later request can find again."""
    assert exchange.scope is not None
    assert exchange.session is not None
    call = exchange.call
    session = call.session or known.session
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
    )


def _messages(
    exchange: Exchange, known: Known, answer: Answer | None, complete: bool, now: datetime
) -> tuple[Message, ...]:
    new = [_message(message.said, message.key, now) for message in unheld(exchange.messages, known.held)]
    if answer is not None and not answer.pending:
        new.append(_answered(exchange, answer, complete, now))
    elif answer is not None and answer.id and new:
        new[-1] = replace(new[-1], external_id=asked(answer.id))
    return tuple(new)


def _answered(exchange: Exchange, answer: Answer, complete: bool, now: datetime) -> Message:
    said = Said("assistant", answer.text, calls=answer.calls, extra=answer.extra)
    fetched = exchange.call.fetched
    key = answer_key(fetched) if fetched else reply_key([message.said for message in exchange.messages], said)
    message = _message(said, key, now)
    return replace(message, external_id=answer.id or fetched, complete=complete and answer.complete)


def _message(said: Said, key: bytes, now: datetime) -> Message:
    return Message(new_id(), said.role, said.text, key, now, name=said.name, extra=said.extra)
