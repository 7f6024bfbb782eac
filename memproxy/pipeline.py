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

from memproxy.capture import Capture
from memproxy.dialects.dialect import Answer, Prompt, Unreadable
from memproxy.dialects.routes import Act, Route
from memproxy.domain import Injection, Known, Scope, Turn
from memproxy.errands import is_errand
from memproxy.errors import BadRequest, ModelUnavailable, StoreUnavailable
from memproxy.exchange import Call, Exchange, Mode
from memproxy.identity import Keyed, claimed_id, keyed, newest_user
from memproxy.ids import new_id
from memproxy.metrics import Metrics
from memproxy.ports import Turns
from memproxy.recall import receipt
from memproxy.recall.engine import Query, Recall, Recalled
from memproxy.remember import known_by, turn, worth_keeping

log = logging.getLogger(__name__)

# The newest messages of a history decide which session it is and what is new; only where none of them is known is
# the rest asked for too.
RECENT = 64


@dataclass(slots=True)
class _Reading:
    """What memory has come up with so far; it survives the failure of the next step."""

    late: bool
    """Turns wait in the journal: what the store knows is not all that was said."""
    known: Known | None = None
    recalled: Recalled | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that the pipeline obeys."""

    token_budget: int = 512
    session_token_budget: int = 4096
    recall_timeout: float = 0.15
    process_only: bool = False
    placement: str = "user"
    owner: str | None = None
    """Entity of requests that name none, in open mode."""
    hits: int = 20


class Pipeline:
    """One for all requests that memory understands."""

    def __init__(
        self,
        *,
        turns: Turns,
        recall: Recall,
        capture: Capture,
        metrics: Metrics,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._turns = turns
        self._recall = recall
        self._capture = capture
        self._metrics = metrics
        self._limits = limits
        self._clock = clock

    async def enter(self, call: Call, route: Route, body: bytes) -> Exchange:
        """What goes upstream, and what `leave` needs. Raises `Forbidden` where the key is bound to somebody else."""
        exchange = await self._enter(call, route, body)
        self._metrics.entered(exchange.outcome, exchange.facts, exchange.tokens)
        return exchange

    async def _enter(self, call: Call, route: Route, body: bytes) -> Exchange:
        # Refusals do not depend on what the body holds, nor on the mode.
        process = call.caller.process(call.process)
        named = call.caller.entity(call.entity)
        if not (call.mode.reads or call.mode.writes):
            return Exchange(call, body)
        if named is None:
            named = claimed_id(route.dialect.claim(body)) or self._limits.owner
        if named is None:
            return Exchange(call, body)
        scope = Scope(call.caller.tenant, named, process)
        if call.fetched is not None:
            return await self._fetching(call, call.fetched, route, scope)
        try:
            prompt = route.dialect.read(body)
        except Unreadable:
            self._degraded("unreadable")
            return Exchange(call, body, outcome="degraded")
        if not prompt.messages:
            return Exchange(call, body)
        if is_errand(prompt.messages):
            # Some go on from the conversation: its blocks stay where they were, or the provider's cache (and thinking
            # that is bound to what stood before it) would be lost.
            route = replace(route, act=Act.COUNT)
        call = replace(call, session=call.session or claimed_id(prompt.session))
        messages = keyed(prompt.messages, after=_before(prompt, call))
        reading = await self._read(call, route, scope, prompt, messages)
        exchange = Exchange(
            call,
            body,
            _outcome(call.mode, reading),
            route,
            scope,
            _session(call, reading),
            messages,
            previous=prompt.previous,
            late=reading.late,
        )
        exchange = self._inject(exchange, prompt, reading)
        return exchange if route.act is Act.TURN else replace(exchange, scope=None, session=None)

    async def _fetching(self, call: Call, answer: str, route: Route, scope: Scope) -> Exchange:
        """An answer made in the background belongs to the session that asked for it; fetched again it is known."""
        reading = await self._read(call, route, scope, Prompt((), previous=answer), ())
        known = reading.known
        if known is None or not known.ids or answer in known.ids or not call.mode.writes:
            session = known.session if known and known.ids else None
            return Exchange(call, b"", "degraded" if reading.trouble else "off", session=session)
        return Exchange(call, b"", "none", route, scope, known.session, known=known, late=reading.late)

    async def _read(
        self, call: Call, route: Route, scope: Scope, prompt: Prompt, messages: tuple[Keyed, ...]
    ) -> _Reading:
        """Look and recall, both within the deadline."""
        reading = _Reading(self._capture.away)
        start = perf_counter()
        try:
            async with asyncio.timeout(self._limits.recall_timeout):
                reading.known = await self._look(scope, call.session, messages, prompt.previous)
                if call.mode.reads and route.act is Act.TURN:
                    reading.recalled = await self._ask(call, scope, prompt, messages, reading.known)
        except Exception as exc:  # noqa: BLE001 promise 1: whatever fails in memory, the chat goes on without it
            reading.trouble = _reason(exc)
            self._degraded(reading.trouble, exc)
        steps = reading.recalled.steps if reading.recalled else {}
        self._metrics.recalled({**steps, "total": perf_counter() - start})
        if reading.recalled and reading.recalled.degraded:
            reading.trouble = reading.recalled.degraded
            self._degraded(reading.trouble)
        return reading

    async def _look(
        self, scope: Scope, session: str | None, messages: tuple[Keyed, ...], previous: str | None = None
    ) -> Known:
        recent = messages[-RECENT:]
        known = await self._look_for(scope, session, recent, previous)
        if known.held or len(messages) == len(recent):
            return known
        return await self._look_for(scope, session, messages, previous)

    async def _look_for(
        self, scope: Scope, session: str | None, messages: tuple[Keyed, ...], previous: str | None
    ) -> Known:
        newest_first = messages[::-1]
        return await self._turns.look(
            scope,
            session=session,
            keys=[message.key for message in newest_first],
            pairs=[message.key for message in newest_first if message.follows],
            ids=known_by(previous) if previous else (),
        )

    async def _ask(
        self, call: Call, scope: Scope, prompt: Prompt, messages: tuple[Keyed, ...], known: Known
    ) -> Recalled | None:
        """Recall for the newest user message, unless it stands inside a tool loop or has its block already."""
        if not messages or messages[-1].said.role != "user":
            return None
        given = {entry.anchor: entry for entry in known.injections}
        # A block in the system text is replaced by the next one: the session's blocks do not add up there.
        room = self._limits.token_budget if prompt.carried else self._limits.session_token_budget - known.tokens
        budget = min(self._limits.token_budget, room)
        if messages[-1].key in given or budget <= 0:
            return None
        shown = () if prompt.carried else (given[message.key] for message in messages if message.key in given)
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
                given=frozenset(fact for entry in shown for fact in entry.facts),
            )
        )

    def _inject(self, exchange: Exchange, prompt: Prompt, reading: _Reading) -> Exchange:
        """Each earlier block where it stood, and the new one before the newest user message."""
        if not exchange.call.mode.reads:
            return replace(exchange, known=reading.known)
        ledger = reading.known.injections if reading.known else ()
        entries = {entry.anchor: entry for entry in ledger}
        newest = newest_user(exchange.messages)
        fresh = newest is not None and newest.key not in entries
        # Results of tools that go on from a stored answer come without the person's message: its block is the last.
        current = entries.get(newest.key) if newest else ledger[-1] if ledger and prompt.carried else None
        if newest is not None and current is None and exchange.route and exchange.route.act is Act.TURN:
            current = entries[newest.key] = self._entry(exchange, newest.key, reading)
        hit = exchange.outcome == "none" and current is not None and bool(current.block)
        return replace(
            exchange,
            body=self._placed(exchange, prompt, entries, current),
            outcome="hit" if hit else exchange.outcome,
            known=reading.known,
            injection=current if fresh else receipt.again(exchange.call.request_id, current, self._clock()),
            facts=len(current.facts) if current else 0,
            tokens=current.tokens if current else 0,
        )

    def _placed(
        self, exchange: Exchange, prompt: Prompt, entries: dict[bytes, Injection], current: Injection | None
    ) -> bytes:
        assert exchange.route is not None
        dialect, body = exchange.route.dialect, exchange.body
        if prompt.carried:
            return dialect.insert_system(body, prompt, (current.block,)) if current and current.block else body
        blocks = {m.index: entry.block for m in exchange.messages if (entry := entries.get(m.key)) and entry.block}
        if not blocks:
            return body
        if self._limits.placement == "system":
            return dialect.insert_system(body, prompt, tuple(blocks.values()))
        return dialect.insert(body, prompt, blocks)

    def _entry(self, exchange: Exchange, anchor: bytes, reading: _Reading) -> Injection:
        recalled, note = reading.recalled, None
        if recalled is None and reading.trouble is None:
            note = "budget" if exchange.messages[-1].said.role == "user" else "no_question"
        request_id, now = exchange.call.request_id, self._clock()
        return receipt.entry(anchor, request_id, recalled, now, degraded=reading.trouble, note=note)

    async def leave(self, exchange: Exchange, reply: bytes, *, stream: bool, complete: bool) -> None:
        """Remember the exchange; returns when it is durable, or when memory has given up on it."""
        if exchange.scope is None or exchange.session is None or exchange.route is None:
            return
        try:
            turn = await self._turn(exchange, exchange.route.dialect.answer(reply, stream=stream), complete)
            if turn is not None and not await self._capture.remember(turn):
                self._degraded("journal")
        except BadRequest as exc:
            self._degraded("refused", exc)
        except Exception as exc:  # noqa: BLE001 promise 1: a reply is never held back by a store that fails
            self._degraded("capture", exc)

    async def _turn(self, exchange: Exchange, answer: Answer | None, complete: bool) -> Turn | None:
        if not worth_keeping(exchange, answer, complete=complete):
            return None
        known = None if exchange.late else exchange.known or await self._late_look(exchange)
        return turn(exchange, known, answer, complete=complete, now=self._clock())

    async def _late_look(self, exchange: Exchange) -> Known | None:
        """The look at the beginning has failed; by now there is time for another. None where the store is away."""
        assert exchange.scope is not None
        if self._capture.away:
            return None
        try:
            async with asyncio.timeout(self._limits.recall_timeout):
                return await self._look(exchange.scope, exchange.call.session, exchange.messages, exchange.previous)
        except (StoreUnavailable, TimeoutError):
            return None

    def _degraded(self, reason: str, error: Exception | None = None) -> None:
        self._metrics.degraded.labels(reason).inc()
        # An expected failure is one line; a bug shows where it is.
        log.warning(
            "memory failed; the chat goes on without it",
            extra={"reason": reason, **({"error": type(error).__name__} if error else {})},
            exc_info=error if reason == "bug" else None,
        )


def _before(prompt: Prompt, call: Call) -> str:
    """What stands before messages whose history the provider keeps: "yes" said twice is two messages."""
    return prompt.previous or (call.request_id if prompt.carried and prompt.session else "")


def _session(call: Call, reading: _Reading) -> str:
    return call.session or (reading.known.session if reading.known else None) or new_id()


def _outcome(mode: Mode, reading: _Reading) -> str:
    if reading.trouble or reading.late:
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
