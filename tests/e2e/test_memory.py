"""An app changes its URL and remembers: the official client against the real process."""

from __future__ import annotations

import asyncio

import httpx
import openai
import pytest

from memproxy.testing.replies import Answer, ToolCall
from memproxy.testing.scripts import answer, answer_by
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

MODEL = "gpt-test"


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize("stream", [False, True])
async def test_what_was_said_in_one_app_is_known_in_another(
    service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI, person: str, stream: bool
):
    up.script = answer("Noted.")
    first = await ai.chat.completions.create(
        model=MODEL, messages=[user("I am allergic to peanuts, and I live in Lisbon.")], stream=stream
    )
    if stream:
        async for _ in first:
            pass
    await service.settled(entity=person)
    reply = await ai.chat.completions.with_raw_response.create(
        model=MODEL,
        messages=[user("What am I allergic to?")],
        extra_headers={"X-Memproxy-Process": "another-app"},
    )
    assert reply.headers["x-memproxy-memory"] == "hit"
    assert int(reply.headers["x-memproxy-facts"]) >= 1
    assert int(reply.headers["x-memproxy-tokens"]) <= 512
    assert "allergic to peanuts" in up.last.prompt
    assert up.last.prompt.endswith("What am I allergic to?")
    assert up.last.prompt.startswith("<memory>")


def test_the_synchronous_client_works_the_same(service: ServiceProcess, upstream_port: int, person: str):
    async def talk() -> str:
        async with ScriptedUpstream(port=upstream_port) as up:
            up.script = answer("Noted.")
            with openai.OpenAI(base_url=f"{service.url}/e/{person}/v1", api_key="sk-x", max_retries=0) as ai:
                ask = ai.chat.completions.create
                await asyncio.to_thread(ask, model=MODEL, messages=[user("My dog is called Biscuit.")])
                await service.settled(entity=person)
                with await asyncio.to_thread(
                    ask, model=MODEL, messages=[user("What is my dog called?")], stream=True
                ) as stream:
                    await asyncio.to_thread(list, stream)
            return up.last.prompt

    assert "Biscuit" in asyncio.run(talk())


@pytest.mark.parametrize("field", ["safety_identifier", "user", "metadata"])
async def test_the_person_may_be_named_in_the_body(
    service: ServiceProcess, up: ScriptedUpstream, person: str, field: str
):
    named = {"metadata": {"user_id": person}} if field == "metadata" else {field: person}
    async with openai.AsyncOpenAI(base_url=f"{service.url}/v1", api_key="sk-x", max_retries=0) as ai:
        await ai.chat.completions.create(model=MODEL, messages=[user("I play the cello.")], **named)
        await service.settled(entity=person)
        await ai.chat.completions.create(model=MODEL, messages=[user("Which instrument do I play?")], **named)
    assert "cello" in up.last.prompt
    assert up.last.json[field] == named[field], "the body goes on as it came"


async def test_without_a_person_nothing_is_read_and_nothing_written(service: ServiceProcess, up: ScriptedUpstream):
    async with httpx.AsyncClient(trust_env=False) as http:
        body = b'{"model":"m", "messages":[{"role":"user","content":"I live in Lisbon"}]}'
        reply = await http.post(f"{service.url}/v1/chat/completions", content=body)
    assert reply.headers["x-memproxy-memory"] == "off"
    assert "x-memproxy-session" not in reply.headers
    assert up.last.body == body


async def test_one_persons_memory_never_reaches_another(
    service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI, person: str
):
    await ai.chat.completions.create(model=MODEL, messages=[user("My secret word is xylophone.")])
    await service.settled(entity=person)
    await ai.chat.completions.create(
        model=MODEL,
        messages=[user("What is my secret word?")],
        extra_headers={"X-Memproxy-Entity": person + "-stranger"},
    )
    assert "xylophone" not in up.last.body.decode()


@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [("on", True, True), ("off", False, False), ("recall", True, False), ("capture", False, True)],
)
async def test_each_memory_mode_reads_and_writes_what_it_says(
    service: ServiceProcess,
    up: ScriptedUpstream,
    ai: openai.AsyncOpenAI,
    person: str,
    mode: str,
    reads: bool,
    writes: bool,
):
    await ai.chat.completions.create(model=MODEL, messages=[user("My favourite colour is vermilion.")])
    await service.settled(entity=person)
    await ai.chat.completions.create(
        model=MODEL,
        messages=[user("What is my favourite colour? By the way, my cat is called Tigris.")],
        extra_headers={"X-Memproxy-Memory": mode},
    )
    assert ("vermilion" in up.last.prompt) is reads
    await service.settled(entity=person)
    await ai.chat.completions.create(model=MODEL, messages=[user("What is my cat called?")])
    assert ("Tigris" in up.last.prompt) is writes


async def test_a_session_is_recognised_in_the_history_and_not_stored_twice(
    service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI
):
    up.script = answer("Noted.")
    talk, sessions = [], []
    for turn in range(4):
        talk.append(user(f"Fact number {turn}: I own {turn + 2} bicycles."))
        system = {"role": "system", "content": f"It is {turn}:00 o'clock."}
        reply = await ai.chat.completions.with_raw_response.create(model=MODEL, messages=[system, *talk])
        sessions.append(reply.headers["x-memproxy-session"])
        talk.append(assistant(reply.parse().choices[0].message.content))
    assert len(set(sessions)) == 1


async def test_a_conversation_that_began_with_the_same_words_is_another_session(
    service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI
):
    up.script = answer("Hello!")

    async def say(*talk: dict) -> str:
        reply = await ai.chat.completions.with_raw_response.create(model=MODEL, messages=talk)
        return reply.headers["x-memproxy-session"]

    begin = [user("hi"), assistant("Hello!")]
    one = await say(user("hi"))
    assert await say(*begin, user("about cats")) == one
    two = await say(user("hi"))
    assert two != one
    assert await say(*begin, user("about dogs")) == two
    assert await say(*begin, user("about cats"), assistant("Hello!"), user("more")) == one
    assert await say(user("about dogs"), assistant("Hello!"), user("more")) != one


async def test_a_named_session_is_kept(service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI):
    reply = await ai.chat.completions.with_raw_response.create(
        model=MODEL, messages=[user("hi")], extra_headers={"X-Memproxy-Session": "my-session"}
    )
    assert reply.headers["x-memproxy-session"] == "my-session"


async def test_each_request_begins_with_all_of_the_one_before_through_a_tool_loop(
    service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI, person: str
):
    """Promise 5, with the official client: what the provider has seen it sees again."""
    await ai.chat.completions.create(model=MODEL, messages=[user("I am allergic to peanuts.")])
    await service.settled(entity=person)
    replies = iter(
        [
            Answer("", (ToolCall("call_1", "find", '{"q":"snack"}'),)),
            Answer("Have an apple."),
            Answer("What a nice name."),
            Answer("Biscuit would like a walk."),
        ]
    )
    up.script = answer_by(lambda request: next(replies))
    up.requests.clear()
    talk: list = [user("Which snack may I eat with my allergy?")]
    for step in range(3):
        reply = await ai.chat.completions.create(model=MODEL, messages=talk)
        message = reply.choices[0].message
        talk.append(message.model_dump(exclude_none=True))
        if message.tool_calls:
            talk.append({"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "apple"})
        elif step == 1:
            with_another_app = {"X-Memproxy-Process": "other", "X-Memproxy-Memory": "capture"}
            await ai.with_options(default_headers=with_another_app).chat.completions.create(
                model=MODEL, messages=[user("My dog is called Biscuit.")], extra_headers={"X-Memproxy-Entity": person}
            )
            await service.settled(entity=person)
            talk.append(user("And what does my dog want?"))
    seen = [
        request.messages for request in up.requests if request.messages[0]["content"] != "My dog is called Biscuit."
    ]
    assert "peanuts" in seen[0][0]["content"]
    assert seen[1][: len(seen[0])] == seen[0]
    assert seen[2][: len(seen[1])] == seen[1]
    assert "Biscuit" in seen[2][-1]["content"]


async def test_an_answer_of_an_upstream_that_fails_is_not_remembered(
    service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI, person: str
):
    from memproxy.testing.replies import error
    from memproxy.testing.scripts import always

    up.script = always(error(429, "slow down"))
    with pytest.raises(openai.RateLimitError, match="slow down"):
        await ai.chat.completions.create(model=MODEL, messages=[user("I keep bees.")])
    up.script = answer()
    await service.settled(entity=person)
    await ai.chat.completions.create(model=MODEL, messages=[user("What do I keep?")])
    assert "bees" not in up.last.body.decode()


async def test_twenty_people_talking_at_once_each_keep_their_own(
    service: ServiceProcess, up: ScriptedUpstream, person: str
):
    up.script = answer_by(lambda request: f"You said: {request.messages[-1]['content'][-40:]}", chunks=5)
    things = [f"item{n:02d}{word}" for n in range(20) for word in ("anvil",)]

    async def live(n: int) -> None:
        me = {"X-Memproxy-Entity": f"{person}-{n}"}
        async with openai.AsyncOpenAI(
            base_url=f"{service.url}/v1", api_key="sk-x", max_retries=0, default_headers=me
        ) as ai:
            for turn in range(5):
                stream = turn % 2 == 0
                reply = await ai.chat.completions.create(
                    model=MODEL, messages=[user(f"Turn {turn}: the thing I own is {things[n]}.")], stream=stream
                )
                if stream:
                    async for _ in reply:
                        pass

    await asyncio.gather(*(live(n) for n in range(20)))
    await service.settled()
    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
        for n in range(20):
            reply = await http.post(
                f"/memory/v1/entities/{person}-{n}/recall",
                json={"query": "What is the thing I own?", "limit": 100, "token_budget": 100_000},
            )
            texts = [hit["text"] for hit in reply.json()["hits"]]
            assert any(things[n] in text for text in texts)
            others = [thing for thing in things if thing != things[n] and any(thing in text for text in texts)]
            assert others == []
