"""The life of a request, as far as memory is concerned: `enter` before it goes upstream, `leave` after its reply.

    enter   read ─► identify ─► look ─► recall ─► inject        leave   read the answer ─► capture

Memory never breaks the chat: the two `except Exception` of the core stand here, each under that promise. Recall may
fail, and the request goes on with whatever was known until then; capture may fail, and the reply goes on. Both say so
in a metric and a log line, recall also in the response header.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter

from memproxy.auth import Caller
from memproxy.capture import Capture
from memproxy.dialects.dialect import Answer, Dialect, Prompt, Said, Unreadable
from memproxy.domain import Block, Injection, Job, Known, Message, Scope, Turn
from memproxy.errors import ModelUnavailable, StoreUnavailable
from memproxy.identity import Keyed, claimed_id, keyed, newest_user, reply_key, unheld
from memproxy.ids import new_id
from memproxy.metrics import Metrics
from memproxy.ports import Turns
from memproxy.recall.engine import Query, Recall, Recalled

log = logging.getLogger(__name__)

# The newest messages of a history decide which session it is and what is new; only where none of them is known is
# the rest asked for too.
RECENT = 64


@dataclass(frozen=True, slots=True)
class Mode:
    """`X-Memproxy-Memory`: what memory may do for a request."""

    reads: bool = True
    writes: bool = True


MODES = {"on": Mode(), "off": Mode(False, False), "recall": Mode(True, False), "capture": Mode(False, True)}


@dataclass(frozen=True, slots=True)
class Call:
    """A request as its envelope describes it."""

    request_id: str
    caller: Caller
    mode: Mode = MODES["on"]
    entity: str | None = None
    process: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request on its way through memory. `body` goes upstream: the client's own bytes where no block went in."""

    call: Call
    body: bytes
    outcome: str = "off"
    """`hit`, `none`, `off` or `degraded`: the response header."""
    scope: Scope | None = None
    session: str | None = None
    messages: tuple[Keyed, ...] = ()
    known: Known | None = None
    injection: Injection | None = None
    """The ledger entry of the newest user message, where this request makes one."""
    facts: int = 0
    """In the block that stands with the newest user message, be it new or put back."""
    tokens: int = 0


@dataclass(slots=True)
class _Reading:
    """What memory has come up with so far; it survives the failure of the next step."""

    known: Known | None = None
    recalled: Recalled | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that the pipeline obeys."""

    token_budget: int = 512
    session_token_budget: int = 4096
    recall_timeout: float = 0.15
    capture_timeout: float = 5.0
    process_only: bool = False
    placement: str = "user"
    owner: str | None = None
    """Entity of requests that name none, in open mode."""
    hits: int = 20


class Pipeline:
    """One for all requests of a dialect."""

    def __init__(
        self,
        *,
        dialect: Dialect,
        turns: Turns,
        recall: Recall,
        capture: Capture,
        metrics: Metrics,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self.dialect = dialect
        self._turns = turns
        self._recall = recall
        self._capture = capture
        self._metrics = metrics
        self._limits = limits
        self._clock = clock

    async def enter(self, call: Call, body: bytes) -> Exchange:
        """What goes upstream, and what `leave` needs. Raises `Forbidden` where the key is bound to somebody else."""
        exchange = await self._enter(call, body)
        self._metrics.entered(exchange.outcome, exchange.facts, exchange.tokens)
        return exchange

    async def _enter(self, call: Call, body: bytes) -> Exchange:
        # Refusals do not depend on what the body holds, nor on the mode.
        process = call.caller.process(call.process)
        named = call.caller.entity(call.entity)
        if not (call.mode.reads or call.mode.writes):
            return Exchange(call, body)
        if named is None:
            named = claimed_id(self.dialect.claim(body)) or self._limits.owner
        if named is None:
            return Exchange(call, body)
        try:
            prompt = self.dialect.read(body)
        except Unreadable:
            self._degraded("unreadable")
            return Exchange(call, body, outcome="degraded")
        if not prompt.messages:
            return Exchange(call, body)
        scope = Scope(call.caller.tenant, named, process)
        messages = keyed(prompt.messages)
        reading = await self._read(call, scope, messages)
        exchange = Exchange(call, body, _outcome(call.mode, reading), scope, _session(call, reading), messages)
        return self._inject(exchange, prompt, reading)

    async def _read(self, call: Call, scope: Scope, messages: tuple[Keyed, ...]) -> _Reading:
        """Look and recall, both within the deadline."""
        reading = _Reading()
        start = perf_counter()
        try:
            async with asyncio.timeout(self._limits.recall_timeout):
                reading.known = await self._look(scope, call.session, messages)
                if call.mode.reads:
                    reading.recalled = await self._ask(call, scope, messages, reading.known)
        except Exception as exc:  # noqa: BLE001 promise 1: whatever fails in memory, the chat goes on without it
            reading.trouble = _reason(exc)
            self._degraded(reading.trouble, exc)
        steps = reading.recalled.steps if reading.recalled else {}
        self._metrics.recalled({**steps, "total": perf_counter() - start})
        if reading.recalled and reading.recalled.degraded:
            reading.trouble = reading.recalled.degraded
            self._degraded(reading.trouble)
        return reading

    async def _look(self, scope: Scope, session: str | None, messages: tuple[Keyed, ...]) -> Known:
        recent = messages[-RECENT:]
        known = await self._look_for(scope, session, recent)
        if known.held or len(messages) == len(recent):
            return known
        return await self._look_for(scope, session, messages)

    async def _look_for(self, scope: Scope, session: str | None, messages: tuple[Keyed, ...]) -> Known:
        newest_first = messages[::-1]
        return await self._turns.look(
            scope,
            session=session,
            keys=[message.key for message in newest_first],
            pairs=[message.key for message in newest_first if message.follows],
        )

    async def _ask(self, call: Call, scope: Scope, messages: tuple[Keyed, ...], known: Known) -> Recalled | None:
        """Recall for the newest user message, unless it stands inside a tool loop or has its block already."""
        if not messages or messages[-1].said.role != "user":
            return None
        given = {entry.anchor: entry for entry in known.injections}
        budget = min(self._limits.token_budget, self._limits.session_token_budget - known.tokens)
        if messages[-1].key in given or budget <= 0:
            return None
        visible = [given[message.key] for message in messages if message.key in given]
        key = call.caller.key
        return await self._recall.recall(
            Query(
                scope=scope,
                text=messages[-1].said.text,
                version=known.version,
                budget=budget,
                limit=self._limits.hits,
                process_only=self._limits.process_only or bool(key and key.recall_scope == "process"),
                visible=tuple(message.said.text for message in messages),
                given=frozenset(fact for entry in visible for fact in entry.facts),
            )
        )

    def _inject(self, exchange: Exchange, prompt: Prompt, reading: _Reading) -> Exchange:
        """Each earlier block where it stood, and the new one before the newest user message."""
        if not exchange.call.mode.reads:
            return replace(exchange, known=reading.known)
        entries = {entry.anchor: entry for entry in (reading.known.injections if reading.known else ())}
        newest = newest_user(exchange.messages)
        fresh = newest is not None and newest.key not in entries
        current = entries.get(newest.key) if newest else None
        if newest is not None and current is None:
            current = entries[newest.key] = self._entry(newest.key, exchange.call.request_id, reading.recalled)
        placed = {m.index: entry.block for m in exchange.messages if (entry := entries.get(m.key)) and entry.block}
        hit = exchange.outcome == "none" and current is not None and bool(current.block)
        return replace(
            exchange,
            body=self._place(exchange.body, prompt, placed),
            outcome="hit" if hit else exchange.outcome,
            known=reading.known,
            injection=current if fresh else None,
            facts=len(current.facts) if current else 0,
            tokens=current.tokens if current else 0,
        )

    def _entry(self, anchor: bytes, request_id: str, recalled: Recalled | None) -> Injection:
        """A new ledger entry. An empty block is an entry as well: the provider has seen the message without one."""
        block = recalled.block if recalled else Block()
        return Injection(
            anchor=anchor,
            block=block.text,
            tokens=block.tokens,
            facts=tuple(hit.fact.id for hit in block.hits),
            request_id=request_id,
            receipt=self._recall.receipt(recalled) if recalled else b"{}",
            created_at=self._clock(),
        )

    def _place(self, body: bytes, prompt: Prompt, blocks: dict[int, str]) -> bytes:
        if not blocks:
            return body
        if self._limits.placement == "system":
            return self.dialect.insert_system(body, prompt, tuple(blocks.values()))
        return self.dialect.insert(body, prompt, blocks)

    async def leave(self, exchange: Exchange, reply: bytes, *, stream: bool, complete: bool) -> None:
        """Remember the exchange; returns when it is durable, or when memory has given up on it."""
        if exchange.scope is None or exchange.session is None:
            return
        try:
            async with asyncio.timeout(self._limits.capture_timeout):
                turn = await self._turn(exchange, self.dialect.answer(reply, stream=stream), complete)
                if turn is not None:
                    await self._capture.submit(turn)
        except Exception as exc:  # noqa: BLE001 promise 1: a reply is never held back by a store that fails
            self._degraded("capture", exc)

    async def _turn(self, exchange: Exchange, answer: Answer | None, complete: bool) -> Turn | None:
        assert exchange.scope is not None
        assert exchange.session is not None
        if answer is None and complete:
            return None  # the upstream answered something that is no answer: nothing was said
        # The look at the beginning may have failed; by now there is time for another.
        known = exchange.known or await self._look(exchange.scope, exchange.call.session, exchange.messages)
        session = exchange.call.session or known.session
        if session is None and not exchange.call.mode.writes:
            return None  # a ledger that no later request can find again
        session = session or exchange.session
        now = self._clock()
        messages = self._captured(exchange, known, answer, complete, now) if exchange.call.mode.writes else ()
        job = Job(new_id(), "extract", exchange.scope, session, now, now)
        return Turn(
            scope=exchange.scope,
            session=session,
            request_id=exchange.call.request_id,
            at=now,
            messages=messages,
            injection=exchange.injection,
            jobs=(job,) if messages else (),
            usage=answer.usage if answer else None,
        )

    def _captured(
        self, exchange: Exchange, known: Known, answer: Answer | None, complete: bool, now: datetime
    ) -> tuple[Message, ...]:
        new = [_message(message.said, message.key, now) for message in unheld(exchange.messages, known.held)]
        if answer is not None:
            said = Said("assistant", answer.text, calls=answer.calls, extra=answer.extra)
            key = reply_key([message.said for message in exchange.messages], said)
            new.append(replace(_message(said, key, now), complete=complete and answer.complete))
        return tuple(new)

    def _degraded(self, reason: str, error: Exception | None = None) -> None:
        self._metrics.degraded.labels(reason).inc()
        # An expected failure is one line; a bug shows where it is.
        log.warning(
            "memory failed; the chat goes on without it",
            extra={"reason": reason, **({"error": type(error).__name__} if error else {})},
            exc_info=error if reason == "bug" else None,
        )


def _message(said: Said, key: bytes, now: datetime) -> Message:
    return Message(new_id(), said.role, said.text, key, now, name=said.name, extra=said.extra)


def _session(call: Call, reading: _Reading) -> str:
    return call.session or (reading.known.session if reading.known else None) or new_id()


def _outcome(mode: Mode, reading: _Reading) -> str:
    if reading.trouble:
        return "degraded"
    return "none" if mode.reads else "off"


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "timeout"
        case StoreUnavailable():
            return "store"
        case ModelUnavailable():
            return "embedder"
    return "bug"
