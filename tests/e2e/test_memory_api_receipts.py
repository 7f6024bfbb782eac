"""Receipts: what was put into a request, why, and what was left out; there as soon as the reply has ended."""

from __future__ import annotations

import json

import httpx
import openai

from memproxy.testing import replies
from memproxy.testing.scripts import always
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .asking import add, problem, said, tell

QUESTION = "Where are my bees?"


async def receipt(http: httpx.AsyncClient, reply: httpx.Response) -> httpx.Response:
    return await http.get(f"/memory/v1/receipts/{reply.headers['x-memproxy-request-id']}")


async def chat(http: httpx.AsyncClient, person: str, *messages: dict, **headers: str) -> httpx.Response:
    names = {f"X-Memproxy-{name}": value for name, value in headers.items()}
    body = {"model": "m", "messages": messages}
    reply = await http.post(f"/e/{person}/v1/chat/completions", json=body, headers=names)
    assert reply.status_code == 200
    return reply


async def test_a_receipt_shows_the_block_as_given_and_why(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    await tell(http, person, said("I keep bees in Lisbon.", id="m1"), session="s1")
    await service.settled(entity=person)
    reply = await chat(http, person, said(QUESTION))
    shown = (await receipt(http, reply)).raise_for_status().json()
    assert shown["request_id"] == reply.headers["x-memproxy-request-id"]
    assert (shown["entity"], shown["session"]) == (person, reply.headers["x-memproxy-session"])
    assert shown["block"] in json.loads(up.requests[-1].body)["messages"][0]["content"]
    assert shown["tokens"] == int(reply.headers["x-memproxy-tokens"]) > 0
    assert len(shown["facts"]) == int(reply.headers["x-memproxy-facts"]) > 0
    best = shown["facts"][0]
    assert "bees" in best["text"]
    assert best["sources"] == [{"message_id": "m1", "session_id": "s1"}]
    assert best["why"]
    assert (shown["degraded"], shown["given_with"]) == (None, None)


async def test_an_empty_block_has_a_receipt_that_says_what_was_left_out(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    await tell(http, person, said("I keep bees in Lisbon."))
    await service.settled(entity=person)
    reply = await chat(http, person, said("Write quicksort in C++."))
    assert reply.headers["x-memproxy-memory"] == "none"
    shown = (await receipt(http, reply)).raise_for_status().json()
    assert (shown["block"], shown["tokens"], shown["facts"]) == ("", 0, [])
    assert {one["reason"] for one in shown["left_out"]} <= {"floor"}


async def test_what_the_history_says_anyway_is_left_out_as_visible(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    await tell(http, person, said("I keep bees in Lisbon."))
    await service.settled(entity=person)
    reply = await chat(
        http, person, said("I keep bees in Lisbon."), {"role": "assistant", "content": "Nice."}, said(QUESTION)
    )
    shown = (await receipt(http, reply)).json()
    assert "visible" in {one["reason"] for one in shown["left_out"]}


async def test_the_first_request_of_somebody_new_has_a_receipt(
    http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    shown = (await receipt(http, await chat(http, person, said("Hello!")))).raise_for_status().json()
    assert (shown["block"], shown["facts"], shown["left_out"]) == ("", [], [])


async def test_a_request_that_comes_again_shows_the_block_its_message_had(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    await tell(http, person, said("I keep bees in Lisbon."))
    await service.settled(entity=person)
    first = await chat(http, person, said(QUESTION))
    again = await chat(http, person, said(QUESTION), Session=first.headers["x-memproxy-session"])
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    loop = await chat(
        http,
        person,
        said(QUESTION),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Nothing."},
        Session=first.headers["x-memproxy-session"],
    )
    original = (await receipt(http, first)).json()
    assert original["block"]
    for reply in (again, loop):
        shown = (await receipt(http, reply)).raise_for_status().json()
        assert shown["given_with"] == original["request_id"]
        assert (shown["block"], shown["facts"]) == (original["block"], original["facts"])
        assert shown["request_id"] == reply.headers["x-memproxy-request-id"]


async def test_a_streamed_reply_has_its_receipt_when_it_has_ended(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, ai: openai.AsyncOpenAI, person: str
):
    await tell(http, person, said("I keep bees in Lisbon."))
    await service.settled(entity=person)
    raw = await ai.chat.completions.with_raw_response.create(
        model="m", messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    async for _ in raw.parse():
        pass
    shown = await http.get(f"/memory/v1/receipts/{raw.headers['x-memproxy-request-id']}")
    assert "bees" in shown.raise_for_status().json()["block"]


async def test_what_was_forgotten_since_is_shown_by_its_id_alone(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    fact = await add(http, person, "I keep bees in Lisbon.", kind="knowledge")
    reply = await chat(http, person, said(QUESTION))
    await http.delete(f"/memory/v1/entities/{person}/facts/{fact['id']}")
    whole = await receipt(http, reply)
    [given] = whole.json()["facts"]
    assert (given["fact_id"], given["text"], given["kind"], given["sources"]) == (fact["id"], None, None, [])
    assert "Lisbon" not in whole.text


async def test_there_is_no_receipt_where_memory_was_off_or_the_upstream_refused(
    http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    for mode in ("off", "capture"):
        assert (await receipt(http, await chat(http, person, said("Hello!"), Memory=mode))).status_code == 404
    up.script = always(replies.error(500, "broken"))
    body = {"model": "m", "messages": [said("Hello!")]}
    failed = await http.post(f"/e/{person}/v1/chat/completions", json=body)
    missing = await receipt(http, failed)
    assert problem(missing)["param"] == "request_id"


async def test_a_session_that_has_used_up_its_budget_says_so(folder, up: ScriptedUpstream, person: str):
    service = ServiceProcess(folder=folder, upstream=up.url, session_token_budget=0, recall_timeout=5)
    async with service, httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
        await add(http, person, "I keep bees in Lisbon.")
        shown = (await receipt(http, await chat(http, person, said(QUESTION)))).json()
        assert (shown["block"], shown["note"]) == ("", "budget")


async def test_memory_that_lacks_a_part_says_which(folder, up: ScriptedUpstream, person: str):
    service = ServiceProcess(folder=folder, upstream=up.url, model_dir=folder / "no models", recall_timeout=5)
    async with service, httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
        await add(http, person, "I keep bees in Lisbon.")
        reply = await chat(http, person, said(QUESTION))
        assert reply.headers["x-memproxy-memory"] == "degraded"
        shown = (await receipt(http, reply)).json()
        assert (shown["degraded"], len(shown["facts"])) == ("embedder", 1)
