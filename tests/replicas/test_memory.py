"""What is written through one replica is there on the other on the very next request."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import httpx

from memproxy.testing.scripts import answer, answer_by
from memproxy.testing.upstream import ScriptedUpstream
from tests.servers.replicas import Replicas

ASKED = "Where does my sister Xanthia live?"


def said(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


async def chat(http: httpx.AsyncClient, person: str, *messages: dict[str, Any], **headers: str) -> httpx.Response:
    body = {"model": "m", "messages": messages}
    named = {f"X-Memproxy-{name}": value for name, value in headers.items()}
    reply = await http.post(f"/e/{person}/v1/chat/completions", json=body, headers=named)
    return reply.raise_for_status()


async def block(http: httpx.AsyncClient, person: str, question: str = ASKED) -> str:
    reply = await http.post(f"/memory/v1/entities/{person}/recall", json={"query": question})
    text: str = reply.raise_for_status().json()["block"]
    return text


async def add(http: httpx.AsyncClient, person: str, text: str, **more: object) -> dict[str, Any]:
    reply = await http.post(f"/memory/v1/entities/{person}/facts", json={"text": text, **more})
    return dict(reply.raise_for_status().json())


async def transcript(http: httpx.AsyncClient, person: str) -> dict[str, list[str]]:
    """What each session of the person holds."""
    base = f"/memory/v1/entities/{person}/sessions"
    sessions = (await http.get(base, params={"limit": 1000})).raise_for_status().json()["items"]
    pages = [(await http.get(f"{base}/{one['id']}/messages", params={"limit": 1000})).json() for one in sessions]
    assert [page["total"] for page in pages] == [len(page["items"]) for page in pages]
    return {
        one["id"]: [message["content"] for message in page["items"]] for one, page in zip(sessions, pages, strict=True)
    }


async def test_what_one_learns_the_other_recalls_on_the_next_request(
    replicas: Replicas, one: httpx.AsyncClient, other: httpx.AsyncClient, up: ScriptedUpstream, person: str
) -> None:
    up.script = answer("I see.")
    await chat(other, person, said("Hello!"))
    for teller, asker, city in ((one, other, "Lisbon"), (other, one, "Porto")):
        await chat(teller, person, said(f"My sister Xanthia lives in {city}."))
        await replicas.all[0].settled(entity=person)
        reply = await chat(asker, person, said(f"{ASKED} In {city}?"))
        assert reply.headers["x-memproxy-memory"] == "hit"
        assert f"My sister Xanthia lives in {city}" in up.last.prompt


async def test_what_is_corrected_pinned_forgotten_or_erased_through_one_is_so_on_the_other(
    one: httpx.AsyncClient, other: httpx.AsyncClient, up: ScriptedUpstream, person: str
) -> None:
    base = f"/memory/v1/entities/{person}"
    fact = await add(one, person, "My sister Xanthia lives in Lisbon.")
    assert "Lisbon" in await block(other, person)

    (
        await one.patch(f"{base}/facts/{fact['id']}", json={"text": "My sister Xanthia lives in Porto."})
    ).raise_for_status()
    assert ("Lisbon" in (seen := await block(other, person)), "Porto" in seen) == (False, True)

    assert await block(one, person, "Write quicksort in C++.") == ""
    (await other.patch(f"{base}/facts/{fact['id']}", json={"pinned": True})).raise_for_status()
    assert "Porto" in await block(one, person, "Write quicksort in C++.")

    (await one.delete(f"{base}/facts/{fact['id']}")).raise_for_status()
    assert await block(other, person) == ""
    assert (await other.get(f"{base}/facts/{fact['id']}")).status_code == 404

    await add(other, person, "My sister Xanthia lives in Faro.")
    assert "Faro" in await block(one, person)
    (await other.delete(base)).raise_for_status()
    assert await block(one, person) == ""
    assert (await one.get(base)).status_code == 404
    await add(one, person, "My sister Xanthia lives in Braga.")
    assert "Braga" in await block(other, person), "the next life begins anew"


async def test_a_session_that_alternates_keeps_its_blocks_and_is_stored_once(
    one: httpx.AsyncClient, other: httpx.AsyncClient, up: ScriptedUpstream, person: str
) -> None:
    """With a session id and without one, when it is known by its history."""
    up.script = answer_by(lambda request: f"Answer {len(request.messages)}.")
    for place in ("Lisbon", "Porto", "Faro", "Braga"):
        await add(one, person, f"My sister Xanthia has a house in {place}.")
    for headers in ({"session": "s1"}, {}):
        history: list[dict[str, Any]] = []
        prompts: list[list[dict[str, Any]]] = []
        for turn, place in enumerate(("Lisbon", "Porto", "Faro", "Braga")):
            history.append(said(f"Does my sister Xanthia have a house in {place}? {headers}"))
            reply = await chat((one, other)[turn % 2], person, *history, **headers)
            prompts.append(up.last.messages)
            history.append(reply.json()["choices"][0]["message"])
        assert any("<memory>" in str(message["content"]) for message in prompts[0])
        for before, after in pairwise(prompts):
            assert after[: len(before)] == before, "what the provider has seen it sees again"
        contents = [message["content"] for message in history]
        assert contents in (await transcript(one, person)).values()
    assert len(await transcript(other, person)) == 2


async def test_requests_of_one_session_on_both_at_once_are_all_stored_once(
    anyone: httpx.AsyncClient, one: httpx.AsyncClient, up: ScriptedUpstream, person: str
) -> None:
    up.script = answer_by(lambda request: f"echo {request.prompt}")
    texts = [f"Thing {number} of many." for number in range(12)]
    first = [said("How do you do?"), {"role": "assistant", "content": "Well."}]
    await asyncio.gather(*(chat(anyone, person, *first, said(text), session="s1") for text in texts))
    held = (await transcript(one, person))["s1"]
    assert sorted(held) == sorted(["How do you do?", "Well.", *texts, *(f"echo {text}" for text in texts)])


async def test_the_same_request_on_both_at_once_is_stored_once(
    one: httpx.AsyncClient, other: httpx.AsyncClient, up: ScriptedUpstream, person: str
) -> None:
    """As when a client gives up too early and tries again."""
    up.script = answer("I see.")
    await add(one, person, "My sister Xanthia lives in Lisbon.")
    await asyncio.gather(*(chat(http, person, said(ASKED), session="s1") for http in (one, other) * 2))
    assert await transcript(one, person) == {"s1": [ASKED, "I see."]}
    assert len({str(request.messages) for request in up.requests}) == 1
