"""Entities: listed, looked at, carried away, brought in elsewhere, erased."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import httpx

from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .asking import add, facts, problem, recall, said, tell

NDJSON = {"Content-Type": "application/x-ndjson"}


def path(person: str) -> str:
    return f"/memory/v1/entities/{person}"


async def export(http: httpx.AsyncClient, person: str) -> bytes:
    reply = (await http.get(path(person) + "/export")).raise_for_status()
    assert reply.headers["content-type"] == "application/x-ndjson"
    return reply.content


async def bring(http: httpx.AsyncClient, person: str, archive: bytes | AsyncIterator[bytes]) -> httpx.Response:
    return await http.post(path(person) + "/import", content=archive, headers=NDJSON)


async def test_an_entity_is_counted_and_has_its_profile(service: ServiceProcess, http: httpx.AsyncClient, person: str):
    await tell(http, person, said("I live in Porto.", created_at="2024-02-03T10:00:00Z"), said("Hello!"), session="s")
    await service.settled(entity=person)
    seen = (await http.get(path(person))).json()
    assert (seen["id"], seen["sessions"], seen["messages"]) == (person, 1, 2)
    assert seen["facts"]["profile"] == 1
    assert [fact["attribute"] for fact in seen["profile"]] == ["home"]


async def test_entities_are_listed_newest_first_in_pages(http: httpx.AsyncClient, person: str):
    for n in range(3):
        await tell(http, f"{person}-{n}", said("Hello!"))
    first = (await http.get("/memory/v1/entities", params={"limit": 2})).json()
    assert [one["id"] for one in first["items"]] == [f"{person}-2", f"{person}-1"]
    await tell(http, f"{person}-3", said("Hello!"))
    more = (await http.get("/memory/v1/entities", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in more["items"]] == [f"{person}-0"]
    assert more["total"] == first["total"] + 1
    assert set(first["items"][0]) == {"id", "created_at", "last_at", "sessions", "messages", "facts"}


async def test_what_was_exported_recalls_the_same_elsewhere(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    await tell(
        http, person, said("I live in Porto.", id="m1"), said("I keep bees in Lisbon."), session="s", process="app"
    )
    await service.settled(entity=person)
    await http.post(f"/e/{person}/v1/chat/completions", json={"model": "m", "messages": [said("Where do I live?")]})
    await service.settled(entity=person)
    gone = await add(http, person, "I smoke.", kind="behavior")
    await http.delete(f"{path(person)}/facts/{gone['id']}")
    archive = await export(http, person)
    assert json.loads(archive.splitlines()[0])["format"]
    assert b"smoke" not in archive
    other = f"{person}-copy"
    first = await bring(http, other, archive)
    assert first.status_code == 200
    assert first.json()["added"] == first.json()["rows"] > 5
    assert (await bring(http, other, archive)).json() == first.json() | {"added": 0}
    await service.settled(entity=other)
    for question in ("Where do I live?", "bees", "What did I ask?"):
        assert await recall(http, other, question) == await recall(http, person, question)
    here, there = [(await http.get(path(name))).json() for name in (person, other)]
    for count in ("messages", "sessions", "facts"):
        assert there[count] == here[count]
    await tell(http, other, said("I smoke."))
    await service.settled(entity=other)
    assert await facts(http, other, kind="behavior") == [], "what was forgotten here stays forgotten there"


async def test_an_import_streams_in_and_names_a_bad_line(http: httpx.AsyncClient, person: str):
    await tell(http, person, *(said(f"Note {n}.") for n in range(50)), session="s")
    lines = (await export(http, person)).splitlines(keepends=True)

    async def slowly() -> AsyncIterator[bytes]:
        for line in lines:
            yield line[:10]
            await asyncio.sleep(0)
            yield line[10:]

    assert (await bring(http, f"{person}-2", slowly())).json()["added"] == len(lines) - 1
    broken = [*lines[:10], b'{"type": "nonsense"}\n', *lines[10:]]
    reply = await bring(http, f"{person}-3", b"".join(broken))
    assert reply.status_code == 400
    assert "line 11" in problem(reply)["detail"]
    for archive in (b"", b"\n", b"{}", b"[1]\n", b"\xff\xfe\n", b"not json\n", lines[0][:-5]):
        assert (await bring(http, f"{person}-4", archive)).status_code == 400
    assert (await http.get(path(f"{person}-4"))).status_code == 404, "and nothing came into being"


async def test_what_an_archive_brings_in_beside_the_text_may_be_anything(
    http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    chat = await http.post(f"/e/{person}/v1/chat/completions", json={"model": "m", "messages": [said("Hello!")]})
    lines = [json.loads(line) for line in (await export(http, person)).splitlines()]
    await http.delete(path(person))
    for garbage in (b"", b"{", b"[1]", b'"x"', b"\xff", b'{"facts": 7}'):
        odd = base64.b64encode(garbage).decode()
        for line in lines:
            line |= {"extra": odd} if line.get("type") == "message" else {}
            line |= {"receipt": odd} if line.get("type") == "injection" else {}
        assert (await bring(http, person, "\n".join(map(json.dumps, lines)).encode())).status_code == 200
        session = chat.headers["x-memproxy-session"]
        shown = await http.get(f"{path(person)}/sessions/{session}/messages")
        assert shown.raise_for_status().json()["items"][0]["content"] == "Hello!"
        receipt = await http.get(f"/memory/v1/receipts/{chat.headers['x-memproxy-request-id']}")
        assert receipt.raise_for_status().json()["facts"] == []
        await http.delete(path(person))


async def test_erasing_leaves_nothing_and_says_what_there_was(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    await tell(http, person, said("I live in Porto."), session="s")
    await service.settled(entity=person)
    chat = await http.post(
        f"/e/{person}/v1/chat/completions", json={"model": "m", "messages": [said("Where do I live?")]}
    )
    receipt = f"/memory/v1/receipts/{chat.headers['x-memproxy-request-id']}"
    assert (await http.get(receipt)).status_code == 200
    erased = await http.delete(path(person))
    assert erased.status_code == 200
    assert (erased.json()["id"], erased.json()["messages"]) == (person, 3)
    assert (await http.delete(path(person))).status_code == 404
    assert (await http.get(path(person))).status_code == 404
    assert (await http.get(receipt)).status_code == 404
    assert await facts(http, person, state="all") == []
    assert (await http.get("/memory/v1/jobs", params={"entity": person})).json()["total"] == 0
    assert await recall(http, person, "Where do I live?") == {"hits": [], "block": "", "tokens": 0}
    assert person not in [one["id"] for one in (await http.get("/memory/v1/entities")).json()["items"]]
    await tell(http, person, said("I live in Faro."), session="s")
    await service.settled(entity=person)
    block = (await recall(http, person, "Where do I live?"))["block"]
    assert "Faro" in block
    assert "Porto" not in block


async def test_an_import_does_not_outlive_the_erasure_of_its_entity(http: httpx.AsyncClient, person: str):
    await tell(http, person, *(said(f"Note {n}.") for n in range(1000)), session="s")
    lines = (await export(http, person)).splitlines(keepends=True)
    half, erased = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"".join(lines[:500])
        half.set()
        await erased.wait()
        yield b"".join(lines[500:])

    copy = f"{person}-copy"
    importing = asyncio.ensure_future(bring(http, copy, slowly()))
    await half.wait()
    while (await http.get(path(copy))).status_code == 404:  # noqa: ASYNC110 it is seen over HTTP alone
        await asyncio.sleep(0.01)
    assert (await http.delete(path(copy))).status_code == 200
    erased.set()
    reply = await importing
    assert (reply.status_code, problem(reply)["code"]) == (409, "conflict")
    assert (await http.get(path(copy))).status_code == 404


async def test_messages_that_come_in_while_their_entity_is_erased_come_whole_or_not_at_all(
    http: httpx.AsyncClient, person: str
):
    telling = [
        asyncio.ensure_future(tell(http, person, *(said("x") for _ in range(3000)), session=f"s{n}")) for n in range(3)
    ]
    await asyncio.sleep(0.05)
    await http.delete(path(person))
    kept = [reply.status_code for reply in await asyncio.gather(*telling)].count(202)
    seen = await http.get(path(person))
    assert (seen.json()["messages"] if seen.status_code == 200 else 0) in [n * 3000 for n in range(kept + 1)]
