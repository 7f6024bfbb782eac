"""A service that dies in the middle of an import, an export or an erasure is sane when it is back, and the same call,
made again, does the rest."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from memproxy.testing.service import ServiceProcess

from .asking import facts, recall, said, tell

NDJSON = {"Content-Type": "application/x-ndjson"}
MOMENTS = (0.2, 0.7)
"""When the service dies, as a part of the time that the whole call takes."""
SESSIONS, EACH = 4, 150
PERSON = "/memory/v1/entities/ann"


@pytest.fixture
async def service(folder: Path, upstream_port: int) -> AsyncIterator[ServiceProcess]:
    upstream = f"http://127.0.0.1:{upstream_port}/v1"
    async with ServiceProcess(folder=folder, upstream=upstream, embedder="none", recall_timeout=5) as running:
        yield running


@pytest.fixture
async def http(service: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    """With a memory to carry that takes a while."""
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=60) as client:
        for session in range(SESSIONS):
            told = [said(f"Note {n}: my lute {session}-{n} is green.", id=f"m{n}") for n in range(EACH)]
            (await tell(client, "ann", *told, session=f"s{session}")).raise_for_status()
        (await client.post(PERSON + "/facts", json={"text": "I live in Porto.", "kind": "profile"})).raise_for_status()
        yield client


async def duration(call: Coroutine[Any, Any, httpx.Response]) -> float:
    began = time.monotonic()
    (await call).raise_for_status()
    return time.monotonic() - began


async def killed(service: ServiceProcess, call: Coroutine[Any, Any, Any], seconds: float) -> bool:
    """Kill the service so long after the call began, and start it again. Whether the call was answered."""
    asked = asyncio.create_task(call)
    await asyncio.sleep(seconds)
    await service.kill()
    [answer] = await asyncio.gather(asked, return_exceptions=True)
    assert not isinstance(answer, BaseException) or isinstance(answer, httpx.TransportError), answer
    await service.start()
    return not isinstance(answer, BaseException)


async def exported(http: httpx.AsyncClient, person: str = "ann") -> list[dict[str, Any]]:
    reply = await http.get(f"/memory/v1/entities/{person}/export")
    return [json.loads(line) for line in reply.raise_for_status().text.splitlines()]


async def bring(http: httpx.AsyncClient, person: str, archive: bytes) -> httpx.Response:
    return await http.post(f"/memory/v1/entities/{person}/import", content=archive, headers=NDJSON)


async def sound(service: ServiceProcess, http: httpx.AsyncClient, person: str) -> dict[str, Any]:
    """The background comes to its end, no job died, and the counts are those of the lists."""
    await service.settled(entity=person)
    dead = (await http.get("/memory/v1/jobs", params={"entity": person, "state": "dead"})).json()
    assert dead["total"] == 0
    shown = (await http.get(f"/memory/v1/entities/{person}")).raise_for_status().json()
    assert shown["facts"] == dict(Counter(fact["kind"] for fact in await facts(http, person)))
    sessions = (await http.get(f"/memory/v1/entities/{person}/sessions")).json()["items"]
    assert (len(sessions), sum(one["messages"] for one in sessions)) == (shown["sessions"], shown["messages"])
    return shown


async def test_an_import_that_died_is_completed_by_sending_it_again(service: ServiceProcess, http: httpx.AsyncClient):
    await service.settled()
    whole = (await http.get(PERSON + "/export")).content
    takes = await duration(bring(http, "copy", whole))
    for moment in MOMENTS:
        copy = f"copy-{moment}"
        answered = await killed(service, bring(http, copy, whole), takes * moment)
        known = await http.get(f"/memory/v1/entities/{copy}")
        assert known.status_code in (200, 404)
        if known.status_code == 200:
            await sound(service, http, copy)
        again = (await bring(http, copy, whole)).raise_for_status().json()
        assert again["rows"] == len(whole.splitlines()) - 1
        assert again["added"] == 0 or not answered
        there = await sound(service, http, copy)
        assert (there["messages"], there["facts"]["episode"]) == (SESSIONS * EACH, SESSIONS * EACH)
        question = "Where do I live? What is green?"
        assert (await recall(http, copy, question))["block"] == (await recall(http, "ann", question))["block"]
        assert (await bring(http, copy, whole)).json()["added"] == 0


async def test_an_export_that_died_is_seen_to_be_broken_and_made_again(
    service: ServiceProcess, http: httpx.AsyncClient
):
    for n in range(16):  # more than the sockets between hold
        most = {f"{name:064d}": "🦜" * 2000 for name in range(64)}
        (await http.post(PERSON + "/facts", json={"text": f"Large {n}.", "metadata": most})).raise_for_status()
    await service.settled()
    whole = await exported(http)

    async with http.stream("GET", PERSON + "/export") as reply:
        pieces = reply.aiter_raw()
        await anext(pieces)  # and no more: the sockets fill, and the service waits in the middle
        await service.kill()
        with pytest.raises(httpx.TransportError):
            [piece async for piece in pieces]
    await service.start()
    assert await exported(http) == whole
    await sound(service, http, "ann")


async def test_an_erasure_that_died_left_all_or_nothing_and_is_completed_by_asking_again(
    service: ServiceProcess, http: httpx.AsyncClient
):
    await service.settled()
    whole = (await http.get(PERSON + "/export")).content
    takes = await duration(http.delete(PERSON))
    for moment in MOMENTS:
        (await bring(http, "ann", whole)).raise_for_status()
        await service.settled()
        answered = await killed(service, http.delete(PERSON), takes * moment)
        known = await http.get(PERSON)
        if known.status_code == 404:
            assert await facts(http, "ann", state="all") == []
            assert (await recall(http, "ann", "Where do I live?"))["block"] == ""
            assert (await http.get("/memory/v1/jobs", params={"entity": "ann"})).json()["total"] == 0
        else:
            assert not answered, "what was said to be erased is"
            shown = await sound(service, http, "ann")
            assert shown["messages"] == SESSIONS * EACH, "nothing was half erased"
        assert (await http.delete(PERSON)).status_code in (200, 404)
        assert (await http.get(PERSON)).status_code == 404
        data = b"".join(path.read_bytes() for path in service.folder.rglob("*") if path.is_file())
        assert b"my lute" not in data, "and gone from every file"
