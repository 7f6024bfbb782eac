"""Anthropic's and Gemini's clients change their URL and remember: raw requests against the real process, so that every
byte of both directions can be compared."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from memproxy.testing import anthropic, gemini
from memproxy.testing.replies import Pace
from memproxy.testing.scripts import first
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

SAID = "Noted [so far]. \u4e2d"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, upstream_port: int) -> Iterator[ServiceProcess]:
    upstream = f"http://127.0.0.1:{upstream_port}"
    folder = tmp_path_factory.mktemp("memproxy")
    running = ServiceProcess(
        folder=folder,
        upstream=f"{upstream}/v1",
        anthropic_upstream=upstream,
        gemini_upstream=upstream,
        recall_timeout=5,
    )
    asyncio.run(running.start())
    yield running
    asyncio.run(running.kill())


@pytest.fixture
async def up(up: ScriptedUpstream) -> ScriptedUpstream:
    up.script = first(anthropic.messages(SAID, thinking="hm"), gemini.generate(SAID, thought="hm"))
    return up


@dataclass(frozen=True)
class Api:
    """One way to speak to one of the APIs."""

    path: str
    counting: str
    stream: bool = False

    def body(self, *texts: str) -> bytes:
        """A conversation in which the person and the assistant take turns."""
        if "gemini" in self.path:
            turns = [{"role": ("user", "model")[at % 2], "parts": [{"text": text}]} for at, text in enumerate(texts)]
            return json.dumps({"contents": turns}).encode()
        turns = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
        return json.dumps({"model": "m", "max_tokens": 9, "stream": self.stream, "messages": turns}).encode()

    @staticmethod
    def said(body: Any) -> list[str]:
        """The texts of a request, block and all."""
        turns = body.get("contents") or body["messages"]
        return [
            "".join(part["text"] for part in turn["parts"]) if "parts" in turn else turn["content"] for turn in turns
        ]


GEMINI = "/v1beta/models/gemini-x:"
APIS = {
    "anthropic": Api("/v1/messages", "/v1/messages/count_tokens"),
    "anthropic-stream": Api("/v1/messages?beta=true", "/v1/messages/count_tokens?beta=true", stream=True),
    "gemini": Api(GEMINI + "generateContent", GEMINI + "countTokens"),
    "gemini-events": Api(GEMINI + "streamGenerateContent?alt=sse", GEMINI + "countTokens"),
    "gemini-array": Api(GEMINI + "streamGenerateContent?key=k", GEMINI + "countTokens"),
    "gemini-v1": Api("/v1/models/gemini-x:generateContent", "/v1/models/gemini-x:countTokens"),
}
every_api = pytest.mark.parametrize("api", APIS.values(), ids=APIS)


@every_api
async def test_what_was_said_is_known_and_each_block_goes_back_to_its_place(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str, api: Api
):
    me = {"X-Memproxy-Entity": person, "Content-Type": "application/json"}
    told = await http.post(api.path, content=api.body("I am allergic to peanuts, and I live in Lisbon."), headers=me)
    assert told.headers["x-memproxy-memory"] == "none"
    await service.settled(entity=person)
    asked = await http.post(api.path, content=api.body("What am I allergic to?"), headers=me)
    assert asked.headers["x-memproxy-memory"] == "hit"
    before = api.said(up.last.json)[0]
    assert before.startswith("<memory>")
    assert "peanuts" in before
    assert before.endswith("What am I allergic to?")

    direct = await http.post(up.url.removesuffix("/v1") + api.path, content=up.last.body, headers=me)
    assert asked.content == direct.content, "the reply is the upstream's, byte for byte"

    history = ("What am I allergic to?", SAID, "Thank you!")
    counted = await http.post(api.counting, content=api.body(*history), headers=me)
    assert counted.status_code == 200
    assert api.said(up.last.json)[0] == before, "what is counted holds the block already given"
    again = await http.post(api.path, content=api.body(*history), headers=me)
    assert again.headers["x-memproxy-session"] == asked.headers["x-memproxy-session"]
    assert api.said(up.last.json)[:2] == [before, SAID]


@every_api
async def test_a_count_gets_no_new_block_and_leaves_no_memory(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str, api: Api
):
    me = {"X-Memproxy-Entity": person, "Content-Type": "application/json"}
    await http.post(api.path, content=api.body("I am allergic to peanuts."), headers=me)
    await service.settled(entity=person)
    body = api.body("What am I allergic to, now that I play the cello?")
    await http.post(api.counting, content=body, headers=me)
    assert up.last.body == body
    await service.settled(entity=person)
    known = await http.post(f"/memory/v1/entities/{person}/recall", json={"query": "cello"})
    assert "cello" not in known.text


@every_api
async def test_a_refusal_has_the_shape_that_the_caller_s_client_parses(
    up: ScriptedUpstream, http: httpx.AsyncClient, api: Api
):
    refused = await http.post(api.path, content=api.body("hi"), headers={"X-Memproxy-Entity": "not valid!"})
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert "X-Memproxy-Entity" in error["message"]
    kind = error["status"] if "gemini" in api.path else error["type"]
    assert kind == ("INVALID_ARGUMENT" if "gemini" in api.path else "invalid_request_error")
    assert up.requests == []


@pytest.mark.parametrize("api", [api for api in APIS.values() if "stream" in api.path or api.stream])
async def test_each_piece_of_a_stream_is_passed_on_as_it_arrives(
    up: ScriptedUpstream, http: httpx.AsyncClient, person: str, api: Api
):
    pace = Pace(upto=2, end=(math.inf,))
    up.script = first(anthropic.messages(SAID, pace=pace), gemini.generate(SAID, pace=pace))
    async with http.stream("POST", api.path, content=api.body("hi"), headers={"X-Memproxy-Entity": person}) as reply:
        arrived = b""
        async for piece in reply.aiter_raw():
            arrived += piece
            if b"content_block" in arrived or b"[so" in arrived:
                break
    await up.until(lambda: up.last.cancelled_at)


async def test_what_claude_code_writes_into_the_user_id_names_the_person_and_the_session(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str
):
    session = "0d1d1c1a-1111-4111-9111-00805f9b34fb"
    body = json.loads(APIS["anthropic"].body("I am allergic to peanuts."))
    body["metadata"] = {"user_id": f"user_{person}_account__session_{session}"}
    first_one = await http.post("/v1/messages", json=body)
    assert first_one.headers["x-memproxy-session"] == session
    await service.settled(entity=f"user_{person}_account_")
    # Newer versions write the same as JSON.
    body["messages"][0]["content"] = "What am I allergic to?"
    body["metadata"] = {
        "user_id": json.dumps({"device_id": person, "account_uuid": "", "session_id": "other-" + session})
    }
    second_one = await http.post("/v1/messages", json=body)
    assert second_one.headers["x-memproxy-memory"] == "hit"
    assert second_one.headers["x-memproxy-session"] == "other-" + session
