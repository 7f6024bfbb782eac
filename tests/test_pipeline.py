"""Memory around a request: the prefix stays, failures are survived and said, capture stores each thing once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memproxy.auth import Caller
from memproxy.capture import Capture
from memproxy.dialects.routes import route
from memproxy.domain import ApiKey, Committed, Known, MemoryWrite, Scope, Turn
from memproxy.errors import BadRequest, Forbidden, ModelUnavailable, StoreUnavailable
from memproxy.exchange import MODES, Call, Exchange
from memproxy.journal import Journal
from memproxy.metrics import Metrics
from memproxy.pipeline import Limits, Pipeline
from memproxy.recall.engine import Recall
from memproxy.tasks import Tasks
from memproxy.testing.hash_embedder import HashEmbedder
from memproxy.testing.memory_index import MemoryIndex
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.replies import Answer, ToolCall, completion
from memproxy.testing.store_samples import fact

CHAT = route("POST", "/v1/chat/completions")
assert CHAT is not None
ALICE = Scope("default", "alice")
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
EVERYTHING = (
    "My dog is called Biscuit",
    "I am allergic to peanuts",
    "I live in Lisbon by the river",
    "My sister Ana plays the cello",
    "I work as a carpenter",
    "My bicycle is green",
)


class FaultyStore(MemoryStore):
    """Fails or stalls where it is told to."""

    look_error: Exception | None = None
    look_delay = 0.0
    commit_error: Exception | None = None

    async def look(
        self,
        scope: Scope,
        *,
        session: str | None,
        keys: Sequence[bytes],
        pairs: Sequence[bytes],
        ids: Sequence[str] = (),
    ) -> Known:
        await asyncio.sleep(self.look_delay)
        if self.look_error:
            raise self.look_error
        return await super().look(scope, session=session, keys=keys, pairs=pairs, ids=ids)

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        if self.commit_error:
            raise self.commit_error
        return await super().commit(turns)


class Bench:
    """A pipeline over fakes, and what it counts."""

    def __init__(self, tasks: Tasks, journal: Journal, limits: Limits) -> None:
        self.store, self.embedder, self.metrics = FaultyStore(), HashEmbedder(), Metrics()
        recall = Recall(memory=self.store, index=MemoryIndex(), embedder=self.embedder, tasks=tasks)
        self.journal = journal
        self.capture = capture = Capture(
            turns=self.store,
            health=self.store,
            tasks=tasks,
            queue=99,
            journal=journal,
            on_jobs=lambda: None,
            on_commit=lambda size, seconds: None,
        )
        capture.start()
        self.pipeline = Pipeline(
            turns=self.store,
            recall=recall,
            capture=capture,
            metrics=self.metrics,
            limits=limits,
            clock=self._clock,
        )
        self._ticks = 0

    def _clock(self) -> datetime:
        self._ticks += 1
        return NOW + timedelta(seconds=self._ticks)

    async def remember(self, *texts: str) -> None:
        facts = []
        for number, text in enumerate(texts):
            vector = (await self.embedder.embed([text], purpose="passage"))[0]
            facts.append(
                replace(
                    fact(number + self._ticks * 1000),
                    text=text,
                    tokens=12 + len(text) // 2,
                    embedding=vector.astype("<f2").tobytes(),
                    model=self.embedder.name,
                )
            )
        self._ticks += 1
        await self.store.write(ALICE, MemoryWrite(facts=tuple(facts)))

    async def ask(self, *messages: dict, mode: str = "on", session: str | None = None) -> Exchange:
        body = json.dumps({"model": "m", "messages": messages}).encode()
        call = Call("request", Caller("default"), mode=MODES[mode], entity="alice", session=session)
        return await self.pipeline.enter(call, CHAT, body)

    async def reply(self, exchange: Exchange, answer: Answer) -> None:
        body = b"".join(step for step in completion(answer, "m").steps if isinstance(step, bytes))
        await self.pipeline.leave(exchange, body.partition(b"\r\n\r\n")[2], stream=False, complete=True)

    async def messages(self, session: str | None) -> list[tuple[str, str]]:
        assert session is not None
        page = await self.store.messages(ALICE, session, cursor=None, limit=1000)
        return [(message.role, message.text) for message in page.items]

    def degraded(self, reason: str) -> float:
        return self.metrics.registry.get_sample_value("memproxy_degraded_total", {"reason": reason}) or 0


@asynccontextmanager
async def opened(**limits: object) -> AsyncIterator[Bench]:
    tasks = Tasks()
    with TemporaryDirectory() as folder:
        async with Journal(folder=Path(folder), limit=20_000) as journal:
            try:
                yield Bench(tasks, journal, replace(Limits(recall_timeout=5), **limits))
            finally:
                await tasks.stop()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with opened() as one:
        yield one


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def sent(exchange: Exchange) -> list[dict]:
    return json.loads(exchange.body)["messages"]


# Promise 5: the prompt cache stays warm


STEP = st.one_of(
    st.tuples(
        st.just("say"), st.sampled_from(["dog?", "peanuts", "Lisbon river", "Ana cello", "bicycle", "hi", "go on"])
    ),
    st.tuples(st.just("tool"), st.sampled_from(["sunny", "42"])),
    st.tuples(st.just("learn"), st.sampled_from(EVERYTHING)),
    st.tuples(st.just("retry"), st.just("")),
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(STEP, min_size=1, max_size=14),
    st.sampled_from([0, 40, 512]),
    st.sampled_from([60, 4096]),
    st.sampled_from(["s", ""]),
)
def test_each_request_of_a_session_begins_with_all_of_the_one_before(steps: list, budget: int, cap: int, name: str):
    async def live() -> None:
        async with opened(token_budget=budget, session_token_budget=cap) as bench:
            await bench.remember("My dog is called Rex")
            talk: list[dict] = [user("Tell me about my dog")]
            before: list[dict] = []
            spent = 0
            for number, (kind, text) in enumerate(steps):
                if kind == "learn":
                    await bench.remember(text)
                    continue
                if kind == "retry" and not name and len(talk) == 1:
                    continue  # a first message said again may be another conversation; nobody can tell
                exchange = await bench.ask({"role": "system", "content": "be brief"}, *talk, session=name or None)
                now = sent(exchange)
                assert now[: len(before)] == before
                assert [m["role"] for m in now[1:]] == [m["role"] for m in talk]
                assert exchange.tokens <= budget
                spent += exchange.injection.tokens if exchange.injection else 0
                assert spent <= cap
                before = now
                call = f"call_{number}"
                said = Answer("", (ToolCall(call, "f", "{}"),)) if kind == "tool" else Answer(f"reply {number}")
                await bench.reply(exchange, said)
                if kind == "retry":
                    continue  # the client asks for another answer to the same words
                talk.append({"role": "assistant", "content": said.text or None})
                if kind == "tool":
                    talk[-1]["tool_calls"] = said.calls
                    talk.append({"role": "tool", "tool_call_id": call, "content": text})
                else:
                    talk.append(user(text))

    asyncio.run(live())


async def test_inside_a_tool_loop_the_same_block_is_given_and_nothing_recalled(bench: Bench):
    await bench.remember(*EVERYTHING)
    first = await bench.ask(user("What is my dog called?"))
    assert "Biscuit" in sent(first)[0]["content"]
    said = Answer("", (ToolCall("call_1", "f", "{}"),))
    await bench.reply(first, said)
    await bench.remember("My dog Biscuit likes the beach")
    asked = len(bench.embedder.asked)
    loop = [{"role": "assistant", "content": None, "tool_calls": said.calls}]
    loop.append({"role": "tool", "tool_call_id": "call_1", "content": "x"})
    second = await bench.ask(user("What is my dog called?"), *loop)
    assert sent(second)[0] == sent(first)[0]
    assert len(bench.embedder.asked) == asked
    assert (second.outcome, second.facts) == ("hit", first.facts)


async def test_a_message_that_was_sent_without_a_block_never_gets_one_later(bench: Bench):
    first = await bench.ask(user("What is my dog called?"))
    assert first.outcome == "none"
    await bench.reply(first, Answer("I do not know."))
    await bench.remember(*EVERYTHING)
    second = await bench.ask(
        user("What is my dog called?"), {"role": "assistant", "content": "I do not know."}, user("Where do I live?")
    )
    assert sent(second)[0]["content"] == "What is my dog called?"
    assert "Lisbon" in sent(second)[2]["content"]


async def test_a_new_block_holds_only_what_is_not_visible_yet(bench: Bench):
    await bench.remember(*EVERYTHING)
    first = await bench.ask(user("What is my dog called?"))
    await bench.reply(first, Answer("Biscuit."))
    talk = [user("What is my dog called?"), {"role": "assistant", "content": "Biscuit."}]
    second = await bench.ask(*talk, user("Say again: what is my dog called?"))
    assert "called Biscuit" in sent(second)[0]["content"]
    assert "called Biscuit" not in sent(second)[2]["content"]


async def test_a_request_without_a_block_goes_on_as_the_same_object(bench: Bench):
    body = b'{"messages": [{"role":"user","content":"hi"}]}'
    exchange = await bench.pipeline.enter(Call("id", Caller("default"), entity="alice"), CHAT, body)
    assert exchange.body is body


async def test_placement_system_puts_blocks_into_the_system_message():
    async with opened(placement="system") as bench:
        await bench.remember(*EVERYTHING)
        exchange = await bench.ask({"role": "system", "content": "be kind"}, user("What is my dog called?"))
        assert sent(exchange)[0]["content"].startswith("be kind\n\n<memory>")
        assert sent(exchange)[1] == user("What is my dog called?")


# Promise 1: memory never breaks the chat


@pytest.mark.parametrize(
    ("error", "reason"), [(StoreUnavailable("locked"), "store"), (KeyError("a bug"), "bug"), (OSError("disk"), "bug")]
)
async def test_a_store_that_fails_leaves_the_chat_alone_and_is_said(bench: Bench, error: Exception, reason: str):
    bench.store.look_error = error
    exchange = await bench.ask(user("What is my dog called?"))
    assert sent(exchange) == [user("What is my dog called?")]
    assert exchange.outcome == "degraded"
    assert bench.degraded(reason) == 1


async def test_recall_has_a_deadline():
    async with opened(recall_timeout=0.02) as bench:
        bench.store.look_delay = 30
        async with asyncio.timeout(5):
            exchange = await bench.ask(user("What is my dog called?"))
        assert exchange.outcome == "degraded"
        assert bench.degraded("timeout") == 1


async def test_a_model_that_fails_leaves_recall_by_words_and_is_said(bench: Bench):
    await bench.remember(*EVERYTHING)
    bench.embedder.error = ModelUnavailable("no model")
    exchange = await bench.ask(user("What is my dog called?"))
    assert exchange.outcome == "degraded"
    assert "Biscuit" in sent(exchange)[0]["content"]
    assert bench.degraded("embedder") == 1


async def test_earlier_blocks_stay_where_they_stood_when_recall_fails(bench: Bench):
    await bench.remember(*EVERYTHING)
    first = await bench.ask(user("What is my dog called?"))
    await bench.reply(first, Answer("Biscuit."))
    bench.embedder.error = RuntimeError("a bug in the model")
    second = await bench.ask(
        user("What is my dog called?"), {"role": "assistant", "content": "Biscuit."}, user("Where do I live?")
    )
    assert sent(second)[0] == sent(first)[0]
    assert second.outcome == "degraded"


async def test_a_turn_is_captured_although_the_look_at_its_beginning_failed(bench: Bench):
    bench.store.look_error = StoreUnavailable("locked")
    exchange = await bench.ask(user("I live in Lisbon"))
    bench.store.look_error = None
    await bench.reply(exchange, Answer("Nice."))
    assert await bench.messages(exchange.session) == [("user", "I live in Lisbon"), ("assistant", "Nice.")]


async def test_capture_that_fails_is_counted_and_raises_nothing(bench: Bench):
    exchange = await bench.ask(user("hi"))
    bench.store.commit_error = StoreUnavailable("disk full")
    await bench.reply(exchange, Answer("Hello. " * 4000))
    assert bench.degraded("capture") == 1, "it was too long for the journal"


async def test_what_the_store_never_takes_is_counted_and_raises_nothing(bench: Bench):
    exchange = await bench.ask(user("hi"))
    bench.store.commit_error = BadRequest("too long")
    await bench.reply(exchange, Answer("Hello."))
    assert bench.degraded("refused") == 1


async def test_a_conversation_that_goes_on_while_its_turns_wait_is_stored_once_in_one_session(bench: Bench):
    """The store can be read, and takes nothing: what it knows is not all that was said."""
    history = [user("I live in Lisbon")]
    bench.store.commit_error = StoreUnavailable("read-only")
    for number in range(3):
        exchange = await bench.ask(*history)
        assert exchange.outcome == ("degraded" if number else "none")
        await bench.reply(exchange, Answer(f"answer {number}"))
        history += [{"role": "assistant", "content": f"answer {number}"}, user(f"question {number}")]
    assert bench.degraded("journal") == 3
    bench.store.commit_error = None
    async with asyncio.timeout(10):
        while bench.capture.away:  # noqa: ASYNC110 - nobody else waits for this
            await asyncio.sleep(0.01)
    (session,) = (await bench.store.sessions(ALICE, cursor=None, limit=9)).items
    assert await bench.messages(session.id) == [(one["role"], one["content"]) for one in history[:-1]]


@pytest.mark.parametrize("body", [b"", b"{", b'{"prompt":"hi"}', b'{"messages":"hi"}'])
async def test_what_cannot_be_read_goes_on_as_it_came(bench: Bench, body: bytes):
    exchange = await bench.pipeline.enter(Call("id", Caller("default"), entity="alice"), CHAT, body)
    assert exchange.body is body
    assert exchange.outcome == "degraded"


# Capture


async def test_only_messages_that_the_session_does_not_hold_are_stored(bench: Bench):
    first = await bench.ask(user("one"))
    await bench.reply(first, Answer("1"))
    second = await bench.ask(user("one"), {"role": "assistant", "content": "1"}, user("two"))
    await bench.reply(second, Answer("2"))
    assert second.session == first.session
    expected = [("user", "one"), ("assistant", "1"), ("user", "two"), ("assistant", "2")]
    assert await bench.messages(first.session) == expected


async def test_a_history_that_the_entity_holds_elsewhere_is_not_stored_twice(bench: Bench):
    first = await bench.ask(user("one"))
    await bench.reply(first, Answer("1"))
    again = await bench.ask(user("one"), {"role": "assistant", "content": "1"}, user("two"), session="another")
    await bench.reply(again, Answer("2"))
    assert await bench.messages("another") == [("user", "two"), ("assistant", "2")]


async def test_what_is_stored_are_the_clients_own_words(bench: Bench):
    await bench.remember(*EVERYTHING)
    exchange = await bench.ask(user("What is my dog called?"))
    assert exchange.outcome == "hit"
    await bench.reply(exchange, Answer("Biscuit."))
    assert (await bench.messages(exchange.session))[0] == ("user", "What is my dog called?")


async def test_a_reply_that_broke_off_is_kept_and_marked(bench: Bench):
    exchange = await bench.ask(user("tell me"))
    half = b'data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\n'
    await bench.pipeline.leave(exchange, half, stream=True, complete=False)
    page = await bench.store.messages(ALICE, exchange.session or "", cursor=None, limit=9)
    assert [(m.text, m.complete) for m in page.items] == [("tell me", True), ("half", False)]


async def test_reading_only_keeps_the_ledger_of_a_known_session_and_makes_no_other(bench: Bench):
    await bench.remember(*EVERYTHING)
    for session in ("named", None):
        exchange = await bench.ask(user("What is my dog called?"), mode="recall", session=session)
        assert exchange.outcome == "hit"
        await bench.reply(exchange, Answer("Biscuit."))
    found = await bench.store.sessions(ALICE, cursor=None, limit=9)
    assert [(one.id, one.messages) for one in found.items] == [("named", 0)]


async def test_a_reply_that_is_no_answer_is_not_remembered(bench: Bench):
    exchange = await bench.ask(user("tell me"))
    await bench.pipeline.leave(exchange, b"<html>", stream=False, complete=True)
    assert await bench.messages(exchange.session) == []


# Identity


async def test_a_pinned_key_refuses_another_entity_in_every_mode(bench: Bench):
    caller = Caller("acme", key=ApiKey("id", "acme", b"", created_at=NOW, entity="bob"))
    for mode in MODES.values():
        with pytest.raises(Forbidden):
            await bench.pipeline.enter(Call("id", caller, mode=mode, entity="alice"), CHAT, b"{}")


async def test_the_owner_of_a_laptop_needs_no_name():
    async with opened(owner="me") as bench:
        exchange = await bench.pipeline.enter(
            Call("id", Caller("default")), CHAT, b'{"messages":[{"role":"user","content":"hi"}]}'
        )
        assert exchange.scope == Scope("default", "me")
