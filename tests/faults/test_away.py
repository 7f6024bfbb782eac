"""memproxy without its store: it starts, its keys and its journal outlive it, and what needs the store says so soon.

Each on one server or two; `FAULTS=all` tries every one.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from memproxy.config import Settings
from memproxy.keyring import Binding, create
from memproxy.testing.service import ServiceProcess
from tests.faults.places import MariaPlace, MongoPlace, Place, PostgresPlace
from tests.faults.stage import DEADLINE, START, Talk, client, metrics, ready, recovered, service, stored

ALL = os.environ.get("FAULTS") == "all"


async def test_it_starts_without_its_store_and_what_waits_outlives_it(
    place: Place, upstream_port: int, person: str, tmp_path: Path
) -> None:
    if not (isinstance(place, MariaPlace) or ALL):
        pytest.skip("FAULTS=all tries every server")
    running = service(tmp_path, upstream_port, place.store)
    place.link.cut()
    try:
        await running.start(deadline=START)
        talk = Talk(running, person)
        assert await talk.say("one") == "degraded"
        await running.kill()
        await running.start(deadline=START)
        assert await talk.say("two") == "degraded"
        assert await running.stop() == 0
        await running.start(deadline=START)
        assert (await metrics(running))["memproxy_journal_waiting_turns"] == 2
        assert await talk.say("three") == "degraded"
        place.link.mend()
        await recovered(running)
        await talk.is_whole()
    finally:
        place.link.mend()
        await running.kill()


async def ask(running: ServiceProcess, key: str, path: str = "/v1/chat/completions") -> httpx.Response:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    async with asyncio.timeout(DEADLINE), client(running) as http:
        return await http.post(path, json=body, headers={"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize("how", ["cut", "stall"])
async def test_known_keys_go_on_and_what_needs_the_store_says_so_soon(
    place: Place, upstream_port: int, tmp_path: Path, how: str
) -> None:
    if not (isinstance(place, {"cut": MongoPlace, "stall": PostgresPlace}[how]) or ALL):
        pytest.skip("FAULTS=all tries both on every server")
    running = service(tmp_path, upstream_port, place.store, auth="keys", upstream_key="sk-x", key_cache=0.1)
    direct, ann = Settings(store=place.url, data_dir=tmp_path), Binding("acme", entity="ann")
    known, unknown = await create(direct, ann), await create(direct, ann)
    await running.start(deadline=START)
    try:
        assert (await ask(running, known)).status_code == 200
        getattr(place.link, how)()
        await asyncio.sleep(0.2)
        assert (await ask(running, known)).headers["x-memproxy-memory"] == "degraded"
        for path in ("/v1/chat/completions", "/v1/messages"):
            refused = await ask(running, unknown, path)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
            assert "has not been seen since" in refused.json()["error"]["message"]
        async with asyncio.timeout(DEADLINE), client(running) as http:
            problem = await http.get("/memory/v1/entities/ann", headers={"Authorization": f"Bearer {known}"})
            assert (problem.status_code, problem.headers["retry-after"]) == (503, "2")
            assert problem.json()["code"] == "store_unavailable"
        async with asyncio.timeout(DEADLINE):
            while (await metrics(running))["memproxy_store_up"]:  # noqa: ASYNC110 another process finds out
                await asyncio.sleep(0.1)
        assert (await ready(running))[0] == 200
    finally:
        place.link.mend()
        await running.kill()


async def test_with_keys_a_replica_that_never_reached_its_store_is_not_ready(
    place: Place, upstream_port: int, tmp_path: Path
) -> None:
    if not isinstance(place, PostgresPlace):
        pytest.skip("it is the same on every server")
    running = service(tmp_path, upstream_port, place.store, auth="keys", upstream_key="sk-x")
    place.link.cut()
    starting = asyncio.create_task(running.start(deadline=START))
    try:
        async with asyncio.timeout(START):
            while (state := await _state(running)) is None:  # noqa: ASYNC110 another process answers
                await asyncio.sleep(0.05)
        assert state == (503, "unavailable")
        place.link.mend()
        await starting
        assert (await ready(running))[1]["status"] in ("ready", "degraded")
    finally:
        place.link.mend()
        starting.cancel()
        await running.kill()


async def _state(running: ServiceProcess) -> tuple[int, str] | None:
    try:
        status, told = await ready(running)
    except httpx.TransportError:
        return None
    return status, told["status"]


@pytest.fixture
def chat_on_mariadb(request: pytest.FixtureRequest, place: Place) -> ServiceProcess:
    if not isinstance(place, MariaPlace):
        pytest.skip("MariaDB alone limits the length of a statement")
    chat: ServiceProcess = request.getfixturevalue("chat")
    return chat


async def test_what_the_server_is_too_small_for_is_put_aside_and_comes_again(
    place: MariaPlace, chat_on_mariadb: ServiceProcess, person: str
) -> None:
    chat = chat_on_mariadb
    before = place.server.sql("SELECT @@GLOBAL.max_allowed_packet")
    place.server.sql("SET GLOBAL max_allowed_packet = 1048576")
    talk = Talk(chat, person)
    try:
        await place.drop_clients([])
        await talk.say("before")
        await talk.say("x" * 2_000_000)
        assert "x" * 2_000_000 not in await stored(chat, person)
        place.link.cut()  # the same by way of the journal
        await talk.say("y" * 2_000_000)
        place.link.mend()
        await talk.say("afterwards")
        await recovered(chat)
        # The client resends its history: what follows carries the long message along.
        assert (await metrics(chat))['memproxy_journal_turns_total{outcome="refused"}'] >= 2
        assert (await metrics(chat))["memproxy_journal_aside_bytes"] > 4_000_000
    finally:
        place.link.mend()
        place.server.sql(f"SET GLOBAL max_allowed_packet = {before}")
        await place.drop_clients([])
    command = [sys.executable, "-m", "memproxy", "journal", "retry", f"--data-dir={chat.folder / 'data'}"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    async with asyncio.timeout(60):
        while (await metrics(chat))["memproxy_journal_aside_bytes"]:  # noqa: ASYNC110 another process takes them
            await asyncio.sleep(0.1)
    await recovered(chat)
    texts = await stored(chat, person)
    assert sorted(texts) == sorted(one["content"] for one in talk.history)
