"""Background work is done once, whichever replica does it, and survives the death of the one that had it."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from memproxy.testing.scripts import answer
from memproxy.testing.upstream import ScriptedUpstream
from tests.servers.replicas import Replicas


async def tell(http: httpx.AsyncClient, person: str, *texts: str) -> str:
    """The id of the job."""
    body = {"messages": [{"role": "user", "content": text} for text in texts]}
    reply = await http.post(f"/memory/v1/entities/{person}/messages", json=body)
    return str(reply.raise_for_status().json()["job"])


async def job(http: httpx.AsyncClient, person: str, wanted: str, *states: str) -> dict[str, Any]:
    """The job, as soon as it is in one of these states."""
    async with asyncio.timeout(30):
        while True:
            jobs = (await http.get("/memory/v1/jobs", params={"entity": person})).raise_for_status().json()["items"]
            [found] = [one for one in jobs if one["id"] == wanted]
            if found["state"] in states:
                return dict(found)
            await asyncio.sleep(0.02)


async def held_by(file: Path) -> int:
    """The process that waits in the middle of a job for this file."""
    async with asyncio.timeout(30):
        while not (held := _read(file.with_suffix(".held"))):  # noqa: ASYNC110 another process writes it
            await asyncio.sleep(0.02)
    return int(held)


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def episodes(http: httpx.AsyncClient, person: str) -> list[str]:
    query = {"kind": "episode", "limit": 1000, "state": "all"}
    facts = (await http.get(f"/memory/v1/entities/{person}/facts", params=query)).raise_for_status().json()
    return [fact["text"] for fact in facts["items"]]


async def test_a_job_whose_replica_is_killed_in_the_middle_of_it_is_done_by_the_other(
    replicas: Replicas, person: str, tmp_path: Path
) -> None:
    async with replicas.client() as http:
        told = await tell(http, person, f"hold {tmp_path / 'go'}", "My sister Xanthia lives in Lisbon.")
        [victim] = [one for one in replicas.all if one.pid == await held_by(tmp_path / "go")]
        replicas.out.add(victim)
        try:
            await victim.kill()
            (tmp_path / "go").touch()
            assert (await job(http, person, told, "done", "dead"))["state"] == "done"
        finally:
            await victim.start()
            replicas.out.clear()
        assert Counter(await episodes(http, person))["My sister Xanthia lives in Lisbon."] == 1


async def test_a_job_that_failed_on_one_is_tried_again_through_the_other(
    one: httpx.AsyncClient, other: httpx.AsyncClient, person: str, tmp_path: Path
) -> None:
    told = await tell(one, person, f"fail {tmp_path / 'better'}", "My sister Xanthia lives in Lisbon.")
    assert (await job(other, person, told, "dead"))["error"] == "RuntimeError"
    (tmp_path / "better").touch()
    (await other.post(f"/memory/v1/jobs/{told}/retry")).raise_for_status()
    assert (await job(one, person, told, "done", "dead"))["state"] == "done"
    assert Counter(await episodes(one, person))["My sister Xanthia lives in Lisbon."] == 1


async def test_a_pause_is_of_one_replica_and_the_other_does_the_work(
    one: httpx.AsyncClient, other: httpx.AsyncClient, person: str, tmp_path: Path, replicas: Replicas
) -> None:
    paused = (await one.post("/admin/v1/jobs/pause")).raise_for_status().json()
    try:
        assert (paused["paused"], (await other.get("/admin/v1/jobs")).json()["paused"]) == (True, False)
        told = await tell(one, person, f"hold {tmp_path / 'go'}")
        assert await held_by(tmp_path / "go") == replicas.all[1].pid
        (tmp_path / "go").touch()
        await job(one, person, told, "done")
    finally:
        await one.post("/admin/v1/jobs/resume")


async def test_all_that_is_told_at_once_is_read_once(
    replicas: Replicas, anyone: httpx.AsyncClient, up: ScriptedUpstream, person: str
) -> None:
    """Of one person and of many, by two replicas that want the same jobs."""
    up.script = answer("I see.")
    people = [f"{person}-{number}" for number in range(4)]
    texts = [f"My friend Number{number} lives in Lisbon." for number in range(8)]
    await asyncio.gather(*(tell(anyone, who, text) for text in texts for who in people))
    await replicas.all[0].settled()
    for who in people:
        assert sorted(await episodes(anyone, who)) == sorted(texts)
