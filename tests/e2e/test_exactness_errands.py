"""What a program asks for itself passes as it came and leaves nothing behind."""

from __future__ import annotations

import httpx
import pytest

from memproxy.testing import anthropic
from memproxy.testing.scripts import answer, first
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

TITLE = "### Task:\nGenerate a concise title summarizing the chat history.\nUSER: Which stamps do I collect?"
COMPACT = "Your task is to create a detailed summary of the conversation so far, with the stamps that I collect."


def chat(*texts: str, **fields: object) -> dict:
    return {
        "model": "m",
        "messages": [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)],
        **fields,
    }


async def sessions(http: httpx.AsyncClient, service: ServiceProcess, person: str) -> int:
    await service.settled(entity=person)
    return (await http.get(f"/memory/v1/entities/{person}/sessions")).json()["total"]


@pytest.mark.parametrize("stream", [True, False])
async def test_an_errand_gets_no_block_and_leaves_nothing(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str, stream: bool
):
    await http.post(f"/memory/v1/entities/{person}/facts", json={"text": "Collects stamps of herons."})
    reply = await http.post(f"/e/{person}/v1/chat/completions", json=chat(TITLE, stream=stream))
    assert "x-memproxy-session" not in reply.headers
    assert "herons" not in up.last.body.decode()
    assert await sessions(http, service, person) == 0


async def test_an_errand_of_an_agent_passes_too(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str
):
    up.script = anthropic.messages('{"title": "Stamps"}')
    await http.post(f"/memory/v1/entities/{person}/facts", json={"text": "Collects stamps of herons."})
    system = [
        {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude."},
        {"type": "text", "text": "Analyze if this message indicates a new conversation topic. If it does, …"},
    ]
    await http.post(f"/e/{person}/v1/messages", json=chat("Which stamps do I collect?", max_tokens=9, system=system))
    assert "herons" not in up.last.body.decode()
    assert await sessions(http, service, person) == 0


async def test_an_errand_that_goes_on_from_a_conversation_finds_its_blocks_and_adds_nothing(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str
):
    up.script = answer("Herons.")
    await http.post(f"/memory/v1/entities/{person}/facts", json={"text": "Collects stamps of herons."})
    talk = "Which stamps do I collect?", "Herons."
    told = await http.post(f"/e/{person}/v1/chat/completions", json=chat(talk[0]))
    assert told.headers["x-memproxy-memory"] == "hit"
    before = up.last.messages
    await http.post(f"/e/{person}/v1/chat/completions", json=chat(*talk, COMPACT))
    assert up.last.messages[:1] == before, "the provider's cache holds what it held"
    assert up.last.messages[-1]["content"] == COMPACT
    assert await sessions(http, service, person) == 1
    known = (await http.post(f"/memory/v1/entities/{person}/recall", json={"query": COMPACT})).text
    assert "detailed summary" not in known


async def test_a_person_who_quotes_an_errand_is_remembered(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str
):
    up.script = first(answer("It makes a title."))
    reply = await http.post(f"/e/{person}/v1/chat/completions", json=chat(f"What does this do?\n{TITLE}"))
    assert reply.headers["x-memproxy-session"]
    assert await sessions(http, service, person) == 1
