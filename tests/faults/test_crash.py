"""memproxy and its database server are killed at random moments under load, many times: every turn that a client saw
complete is found exactly once, with its job done and its episodes there.

One round on each server; `CRASH_ROUNDS=20` for more. The stand-in for MongoDB writes to its file a moment after it has
answered, so it alone is stopped politely instead of killed.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import httpx

from memproxy.testing.service import ServiceProcess
from tests.faults.places import MongoPlace, Place
from tests.faults.stage import DEADLINE, START, client, episodes, metrics, recovered, service, stored

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "1"))
TALKERS = 4


async def talk(service: ServiceProcess, person: str, seen: dict[str, list[str]]) -> None:
    """Chat until the service dies; note what was seen complete. Every other reply is a stream."""
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=DEADLINE) as http:
        for number in range(10_000):
            said = f"{person} says {number}"
            body = {"model": "m", "stream": bool(number % 2), "messages": [{"role": "user", "content": said}]}
            try:
                reply = await http.post(f"/e/{person}/v1/chat/completions", json=body)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.ConnectError, httpx.WriteError):
                return
            assert reply.status_code == 200
            assert not number % 2 or reply.content.endswith(b"data: [DONE]\n\n")
            seen.setdefault(person, []).append(said)


async def end_server(place: Place) -> None:
    await asyncio.to_thread(place.server.stop if isinstance(place, MongoPlace) else place.server.kill)


async def round_of(place: Place, running: ServiceProcess, name: str, moments: random.Random, seen: dict) -> None:
    """Both die, in either order, and come back, in either order; or one of them alone."""
    before = len(seen)
    talkers = [asyncio.create_task(talk(running, f"{name}-t{n}", seen)) for n in range(TALKERS)]
    async with asyncio.timeout(DEADLINE):
        while len(seen) == before:  # noqa: ASYNC110 nobody tells; then there is something to lose
            await asyncio.sleep(0.01)
    await asyncio.sleep(moments.uniform(0.0, 0.8))
    how = moments.choice(("server first", "memproxy first", "server alone", "memproxy alone"))
    if how in ("server first", "server alone"):
        await end_server(place)
        await asyncio.sleep(moments.uniform(0.0, 1.5))
    if how == "server alone":
        await asyncio.to_thread(place.server.start)
        await asyncio.sleep(moments.uniform(0.0, 1.0))
    await running.kill()
    await asyncio.gather(*talkers)
    if how == "memproxy first":
        await end_server(place)
    if moments.random() < 0.5:
        await running.start(deadline=START)  # without its store, where that is away
        await asyncio.to_thread(place.server.start)
    else:
        await asyncio.to_thread(place.server.start)
        await running.start(deadline=START)


async def test_a_kill_at_any_moment_loses_no_turn(place: Place, upstream_port: int, tmp_path: Path) -> None:
    running = service(tmp_path, upstream_port, place.store, recall_timeout=0.5)
    moments, seen = random.Random(20261121), dict[str, list[str]]()
    await running.start(deadline=START)
    try:
        for number in range(ROUNDS):
            await round_of(place, running, f"r{number}", moments, seen)
        await recovered(running)
        await running.settled()
        assert (await metrics(running))['memproxy_job_queue_depth{state="dead"}'] == 0
        for person, said in seen.items():
            texts = Counter(await stored(running, person))
            expected = Counter([*said, *(f"echo {words}" for words in said)])
            assert expected - texts == Counter(), "every turn that was seen complete is there"
            assert max(texts.values()) == 1, "and none is there twice"
            assert Counter(await episodes(running, person)) == texts
        async with client(running) as http:
            open_jobs = [(await http.get(f"/memory/v1/jobs?state={s}")).json()["total"] for s in ("pending", "dead")]
        assert open_jobs == [0, 0]
    finally:
        await running.kill()
