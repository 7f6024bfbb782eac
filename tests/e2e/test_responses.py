"""OpenAI's Responses through the real process: memory in the instructions, and a client that sees none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from memproxy.testing.replies import Answer
from memproxy.testing.responses import Given, Responses
from memproxy.testing.responses_events import Item, function, reasoning
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

MODEL = "gpt-test"
LEARNT = "I am allergic to peanuts."
ASKED = "What am I allergic to?"


def noted(given: Given) -> str:
    return "Noted."


class Seen:
    """A rule that keeps what the model was given."""

    def __init__(self, say: Callable[[Given], str | Answer | list[Item]] = noted) -> None:
        self.given: list[Given] = []
        self._say = say

    def __call__(self, given: Given) -> str | Answer | list[Item]:
        self.given.append(given)
        return self._say(given)

    @property
    def last(self) -> Given:
        return self.given[-1]


@pytest.fixture
def seen(up: ScriptedUpstream) -> Seen:
    rule = Seen()
    up.script = Responses(rule)
    return rule


async def ask(ai: openai.AsyncOpenAI, text: Any, **fields: Any) -> Any:
    """The response, however it comes."""
    reply = await ai.responses.create(model=MODEL, input=text, **fields)
    return [event async for event in reply][-1].response if fields.get("stream") else reply


async def learn(service: ServiceProcess, ai: openai.AsyncOpenAI, person: str) -> None:
    await ask(ai, LEARNT, store=False)
    await service.settled(entity=person)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("own", [{}, {"instructions": None}, {"instructions": "Be kind."}])
async def test_memory_stands_in_the_instructions_and_the_client_sees_its_own(
    service: ServiceProcess, seen: Seen, ai: openai.AsyncOpenAI, person: str, own: dict, stream: bool
):
    await learn(service, ai, person)
    reply = await ai.responses.create(model=MODEL, input=ASKED, stream=stream, **own)
    shown = [event.response async for event in reply if hasattr(event, "response")] if stream else [reply]
    assert "allergic to peanuts" in seen.last.instructions
    assert seen.last.instructions.startswith(own.get("instructions") or "<memory>")
    assert seen.last.texts == [ASKED]
    assert [response.instructions for response in shown] == [own.get("instructions")] * len(shown)
    assert len(shown) == (3 if stream else 1)


async def test_a_client_that_keeps_the_conversation_gets_the_block_before_its_text(
    service: ServiceProcess, seen: Seen, ai: openai.AsyncOpenAI, person: str
):
    await learn(service, ai, person)
    first = await ask(ai, ASKED, store=False)
    block = seen.last.texts[0]
    assert seen.last.instructions is None
    assert block.startswith("<memory>")
    assert block.endswith(ASKED)
    history = [{"role": "user", "content": ASKED}, *first.output, {"role": "user", "content": "And what else?"}]
    await ask(ai, history, store=False)
    assert seen.last.texts[0] == block, "the block stands where it stood"


@pytest.mark.parametrize("chain", ["previous_response_id", "conversation"])
async def test_a_chain_is_one_session_and_blocks_never_pile_up(
    service: ServiceProcess, http: httpx.AsyncClient, seen: Seen, ai: openai.AsyncOpenAI, person: str, chain: str
):
    await learn(service, ai, person)
    link: dict[str, str] = {}
    if chain == "conversation":
        link = {"conversation": (await ai.conversations.create()).id}
    sessions = set()
    for text in (ASKED, "And which nuts may I eat?", "What am I allergic to, again?"):
        reply = await ai.responses.with_raw_response.create(model=MODEL, input=text, **link)
        sessions.add(reply.headers["x-memproxy-session"])
        if chain == "previous_response_id":
            link = {chain: reply.parse().id}
        assert seen.last.instructions.count("<memory>") == 1
        assert not any("<memory>" in said for said in seen.last.texts)
    assert len(sessions) == 1
    if chain == "conversation":
        assert sessions == set(link.values())
    await service.settled(entity=person)
    page = (await http.get(f"/memory/v1/entities/{person}/sessions/{sessions.pop()}/messages")).json()
    assert [message["content"] for message in page["items"]] == [
        ASKED,
        "Noted.",
        "And which nuts may I eat?",
        "Noted.",
        "What am I allergic to, again?",
        "Noted.",
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_made_in_the_background_is_remembered_once_it_is_fetched(
    service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI, person: str, stream: bool
):
    up.script = Responses(lambda given: "Your sister is called Beatriz.")
    begun = await ask(ai, "Guess what my sister is called.", background=True)
    assert begun.status == "queued"
    if stream:
        events = [event async for event in await ai.responses.retrieve(begun.id, stream=True)]
        assert events[-1].response.output_text == "Your sister is called Beatriz."
    else:
        statuses = [(await ai.responses.retrieve(begun.id)).status for _ in range(3)]
        assert statuses == ["in_progress", "completed", "completed"]
    await service.settled(entity=person)
    up.script = Responses(seen := Seen())
    await ask(ai, "What is my sister called?")
    assert seen.last.instructions.count("Beatriz") == 1


async def test_what_is_fetched_shows_the_clients_own_instructions(
    service: ServiceProcess, seen: Seen, ai: openai.AsyncOpenAI, person: str
):
    await learn(service, ai, person)
    for own in ("Be kind.", None):
        begun = await ask(ai, ASKED, background=True, instructions=own)
        assert "peanuts" in seen.last.instructions
        assert (await ai.responses.retrieve(begun.id)).instructions == own
        events = [event async for event in await ai.responses.retrieve(begun.id, stream=True)]
        assert {event.response.instructions for event in events if hasattr(event, "response")} == {own}
        assert (await ai.responses.cancel(begun.id)).instructions == own


async def test_inside_a_loop_of_tools_the_block_stays_and_nothing_is_inserted(
    service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI, person: str
):
    up.script = Responses(noted)
    await learn(service, ai, person)

    def say(given: Given) -> str | list[Item]:
        called = any(item.get("type") == "function_call_output" for item in given.items)
        return "Peanuts." if called else [reasoning(), function("call_1", "allergies", "{}")]

    up.script = Responses(seen := Seen(say))
    first = await ask(ai, ASKED)
    output = [{"type": "function_call_output", "call_id": "call_1", "output": "peanuts"}]
    second = await ask(ai, output, previous_response_id=first.id)
    assert second.output_text == "Peanuts."
    assert seen.given[0].instructions == seen.given[1].instructions
    assert "peanuts" in seen.given[0].instructions
    assert [item.get("type", "message") for item in seen.last.items] == [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
    ]


async def test_tokens_are_counted_with_the_blocks_that_were_given(
    service: ServiceProcess, up: ScriptedUpstream, seen: Seen, ai: openai.AsyncOpenAI, person: str
):
    await learn(service, ai, person)
    first = await ask(ai, ASKED, store=False)
    given = up.last.json["input"]
    history = [{"role": "user", "content": ASKED}, *first.output, {"role": "user", "content": "And what else?"}]
    await ai.responses.input_tokens.count(model=MODEL, input=history, extra_body={"store": False})
    assert up.last.path.endswith("/input_tokens")
    assert [item["content"] for item in up.last.json["input"] if item["role"] == "user"] == [given, "And what else?"]


async def test_everything_else_is_what_it_is_without_memory(
    service: ServiceProcess, up: ScriptedUpstream, seen: Seen, ai: openai.AsyncOpenAI, person: str
):
    """Byte for byte, through memproxy and past it."""
    await learn(service, ai, person)
    body = {"model": MODEL, "input": ASKED, "instructions": "Be kind.\n", "metadata": {"a": "b"}, "user": person}
    for fields in ({}, {"stream": True}, {"background": True}):
        replies = []
        for url in (service.url, up.url.removesuffix("/v1")):
            up.script = Responses(noted)
            async with httpx.AsyncClient(trust_env=False) as http:
                replies.append((await http.post(f"{url}/v1/responses", json=body | fields)).content)
        assert b"peanuts" not in replies[0]
        assert replies[0] == replies[1]
