"""What a client saw complete is never lost: the process is killed at random moments under load, many times."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from pathlib import Path

import httpx

from memproxy.testing.scripts import answer_by
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "8"))
TALKERS = 6


async def talk(
    service: ServiceProcess, name: str, seen: list[tuple[str, str, str]], stopped: asyncio.Event | None = None
) -> None:
    """Chat until the service dies, or until `stopped`; note each exchange that was seen complete."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        for number in range(10_000):
            if stopped is not None and stopped.is_set():
                return
            said = f"{name} says {number}"
            stream = number % 2 == 0
            body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": said}]}
            try:
                reply = await http.post(f"{service.url}/e/{name}/v1/chat/completions", json=body)
            except httpx.TransportError:
                return
            if reply.status_code == 200 and (not stream or reply.content.endswith(b"data: [DONE]\n\n")):
                seen.append((name, said, f"echo {said}"))


async def test_a_kill_at_any_moment_loses_no_turn_that_a_client_saw_end(folder: Path, up: ScriptedUpstream):
    up.script = answer_by(lambda request: "echo " + request.messages[-1]["content"].rpartition("\n")[2], chunks=3)
    service = ServiceProcess(folder=folder, upstream=up.url, embedder="none", recall_timeout=5)
    moments = random.Random(20261121)
    seen: list[tuple[str, str, str]] = []
    for round_ in range(ROUNDS):
        await service.start()
        before = len(seen)
        talkers = [asyncio.create_task(talk(service, f"r{round_}-t{n}", seen)) for n in range(TALKERS)]
        async with asyncio.timeout(30):
            while len(seen) == before:  # noqa: ASYNC110 nobody tells; then there is something to lose
                await asyncio.sleep(0.01)
        await asyncio.sleep(moments.uniform(0, 0.75))
        await service.kill()
        await asyncio.gather(*talkers)

    await service.start()
    await service.settled()
    await service.kill()
    with sqlite3.connect(folder / "data" / "memproxy.db") as store:
        rows = store.execute("SELECT entity_id, role, text FROM message").fetchall()
        dead = store.execute("SELECT count(*) FROM job WHERE state != 'done'").fetchone()[0]
        facts = store.execute("SELECT entity_id, text FROM fact WHERE kind = 'episode'").fetchall()
    store.close()
    stored = {(entity, text) for entity, role, text in rows}
    missing = [one for one in seen if (one[0], one[1]) not in stored or (one[0], one[2]) not in stored]
    assert missing == []
    assert len(rows) == len(stored), "nothing was stored twice"
    assert dead == 0, "background work survives as well"
    assert {(entity, text) for entity, text in facts} == stored, "each message became an episode of its own person"
