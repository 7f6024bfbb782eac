"""`--workers`: several processes behind one port keep every promise that one keeps.

WORKERS_ROUNDS (1): how many workers are killed under load.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import re
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from memproxy.testing.scripts import answer, answer_by
from memproxy.testing.service import ServiceProcess, free_port
from memproxy.testing.upstream import ScriptedUpstream

from .asking import said, tell
from .planting import ERASED, SPARED
from .test_crash import talk
from .test_erasure import INDEX, ROOT, erase, in_files, needles, plant, snapshots, vectors
from .test_memory_api_entities import bring, export, path

ROUNDS = int(os.environ.get("WORKERS_ROUNDS", "1"))
WORKERS = 2
HI = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def of(folder: Path, upstream_port: int, **settings: object) -> ServiceProcess:
    url = f"http://127.0.0.1:{upstream_port}/v1"
    given = {"workers": WORKERS, "embedder": "none", "recall_timeout": 5} | settings
    return ServiceProcess(folder=folder, upstream=url, **given)


def workers(service: ServiceProcess) -> list[psutil.Process]:
    return psutil.Process(service.pid).children()


async def until(done: Callable[[], bool], *, deadline: float = 30) -> None:
    async with asyncio.timeout(deadline):
        while True:
            if done():
                return
            await asyncio.sleep(0.02)


async def fresh(service: ServiceProcess, method: str, path: str, **request: object) -> httpx.Response:
    """Over a connection of its own, which any worker may take."""
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=30) as http:
        return await http.request(method, path, **request)


async def metrics(service: ServiceProcess) -> str:
    return (await fresh(service, "GET", "/metrics")).raise_for_status().text


async def answering(service: ServiceProcess) -> int:
    return int(samples(await metrics(service), 'memproxy_workers{state="answering"}')[0])


async def complete(service: ServiceProcess, count: int = WORKERS) -> None:
    """Wait until so many workers serve."""
    async with asyncio.timeout(60):
        while True:
            if await answering(service) == count:
                return
            await asyncio.sleep(0.05)


def samples(text: str, beginning: str) -> list[float]:
    """Those of the first worker first."""
    lines = sorted(line for line in text.splitlines() if line.startswith(beginning))
    return [float(line.rpartition(" ")[2]) for line in lines]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, upstream_port: int) -> Iterator[ServiceProcess]:
    """Two workers for the tests that leave two."""
    service = of(tmp_path_factory.mktemp("workers"), upstream_port)

    async def begin() -> None:
        await service.start()
        await complete(service)

    asyncio.run(begin())
    yield service
    asyncio.run(service.end(signal.SIGTERM))


@pytest.fixture
async def running(folder: Path, upstream_port: int) -> AsyncIterator[ServiceProcess]:
    """Two workers of the test's own."""
    service = of(folder, upstream_port, shutdown_timeout=10)
    await service.start()
    await complete(service)
    yield service
    await service.kill()


# What is told through one


async def test_what_is_told_through_one_worker_is_known_to_the_other_at_once(
    pair: ServiceProcess, up: ScriptedUpstream, person: str
):
    """The story of one conversation goes on over a new connection each time, and no turn of it is missing."""
    up.script = answer_by(lambda request: f"reply {len(request.messages)}")
    base = f"/memory/v1/entities/{person}"
    messages: list[dict[str, str]] = []
    sessions = set()
    for number in range(20):
        fact = {"text": f"My locker number {number} opens with the code {number}{number}9."}
        (await fresh(pair, "POST", f"{base}/facts", json=fact)).raise_for_status()
        messages.append({"role": "user", "content": f"What opens my locker number {number}?"})
        body = {"model": "m", "messages": messages}
        reply = await fresh(pair, "POST", f"/e/{person}/v1/chat/completions", json=body)
        assert f"code {number}{number}9" in up.last.prompt
        sessions.add(reply.headers["x-memproxy-session"])
        messages.append({"role": "assistant", "content": reply.json()["choices"][0]["message"]["content"]})
    assert len(sessions) == 1, "recognised, whichever worker was asked"
    (session,) = sessions
    stored = (await fresh(pair, "GET", f"{base}/sessions/{session}/messages", params={"limit": 100})).json()["items"]
    assert [message["role"] for message in stored] == ["user", "assistant"] * 20
    assert len({part for part in re.findall(r'worker="(\d)"', await metrics(pair))}) == WORKERS


async def test_metrics_of_any_worker_count_all_requests(pair: ServiceProcess, up: ScriptedUpstream):
    before = sum(samples(await metrics(pair), 'memproxy_requests_total{status="2xx"'))
    for _ in range(24):
        (await fresh(pair, "POST", "/v1/chat/completions", json=HI)).raise_for_status()
    text = await metrics(pair)
    counted = samples(text, 'memproxy_requests_total{status="2xx"')
    assert len(counted) == WORKERS
    assert all(counted), "both had some"
    assert sum(counted) == before + 24 + 1, "and the first look at the metrics"
    assert text.count("# TYPE memproxy_requests_total counter") == 1
    assert len(samples(text, 'memproxy_job_queue_depth{state="pending"')) == 1, "the queue is everybody's"


async def test_connections_that_live_long_are_spread_over_the_workers(pair: ServiceProcess, up: ScriptedUpstream):
    before = samples(await metrics(pair), 'memproxy_requests_total{status="2xx"')
    async with AsyncExitStack() as stack:
        kept = [await stack.enter_async_context(httpx.AsyncClient(trust_env=False)) for _ in range(16)]
        for http in kept:
            (await http.post(f"{pair.url}/v1/chat/completions", json=HI)).raise_for_status()
        after = samples(await metrics(pair), 'memproxy_requests_total{status="2xx"')
    shares = [now - then for now, then in zip(after, before, strict=True)]
    assert min(shares) >= 4, shares


async def test_a_pause_reaches_every_worker_and_one_that_starts_later(pair: ServiceProcess, person: str):
    async def paused() -> set[bool]:
        replies = [await fresh(pair, "GET", "/admin/v1/jobs") for _ in range(12)]
        return {reply.json()["paused"] for reply in replies}

    await fresh(pair, "POST", "/admin/v1/jobs/pause")
    assert await paused() == {True}
    victim = workers(pair)[0]
    victim.kill()
    await until(lambda: victim.pid not in [one.pid for one in workers(pair)])
    await complete(pair)
    assert await paused() == {True}
    told = {"messages": [{"role": "user", "content": "I keep bees."}]}
    (await fresh(pair, "POST", f"/memory/v1/entities/{person}/messages", json=told)).raise_for_status()
    with pytest.raises(TimeoutError):
        await pair.settled(entity=person, deadline=2.5)
    await fresh(pair, "POST", "/admin/v1/jobs/resume")
    assert await paused() == {False}
    await pair.settled(entity=person)


# Erasure


async def test_an_import_does_not_outlive_the_erasure_through_another_worker(pair: ServiceProcess, person: str):
    """The import holds a connection, so the other worker has fewer and takes the next."""
    half, erased, copy = asyncio.Event(), asyncio.Event(), path(f"{person}-copy")
    async with httpx.AsyncClient(base_url=pair.url, trust_env=False, timeout=30) as http:
        await tell(http, person, *(said(f"Note {n}.") for n in range(1000)), session="s")
        lines = (await export(http, person)).splitlines(keepends=True)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"".join(lines[:500])
        half.set()
        await erased.wait()
        yield b"".join(lines[500:])

    async with httpx.AsyncClient(base_url=pair.url, trust_env=False, timeout=30) as http:
        importing = asyncio.ensure_future(bring(http, f"{person}-copy", slowly()))
        await half.wait()
        while (await fresh(pair, "GET", copy)).status_code == 404:  # noqa: ASYNC110 it is seen over HTTP alone
            await asyncio.sleep(0.01)
        assert (await fresh(pair, "DELETE", copy)).status_code == 200
        erased.set()
        assert (await importing).status_code == 409
    assert (await fresh(pair, "GET", copy)).status_code == 404


async def test_an_erasure_through_one_worker_leaves_nothing_in_the_others(
    tmp_path: Path, upstream_port: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "adapters")]))
    service = of(tmp_path, upstream_port, embedder="minilm", index=INDEX)
    data = tmp_path / "data"

    async def recalled(person: str) -> str:
        path = f"/memory/v1/entities/{person}/recall"
        blocks = [(await fresh(service, "POST", path, json={"query": "What do I like?"})).json() for _ in range(8)]
        return "".join(block["block"] for block in blocks)

    async with service:
        await complete(service)
        await plant(service.url, upstream_port)
        told = vectors(data, ERASED)
        await snapshots(data, 2)
        assert "zq" in await recalled(ERASED), "both workers hold it"
        assert len(in_files(tmp_path, [*needles("zq"), *told])) >= 2
        await erase(service.url)
        assert in_files(tmp_path, [*needles("zq"), *told]) == set()
        assert await recalled(ERASED) == ""
        assert "yq" in await recalled(SPARED)
        assert await service.stop() == 0
    assert in_files(tmp_path, [*needles("zq"), *told]) == set(), "nor was anything written at the end"


# The lives of workers


async def test_a_worker_that_is_killed_loses_nothing_and_is_replaced(
    pair: ServiceProcess, up: ScriptedUpstream, person: str
):
    up.script = answer_by(lambda request: "echo " + request.messages[-1]["content"].rpartition("\n")[2], chunks=3)
    moments = random.Random(20261121)
    seen: list[tuple[str, str, str]] = []
    stopped = asyncio.Event()

    async def talk_on(name: str) -> None:
        """Whoever is cut off comes back over another connection, as somebody else."""
        life = 0
        while not stopped.is_set():
            life += 1
            await talk(pair, f"{person}-{name}-{life}", seen, stopped)

    talkers = [asyncio.create_task(talk_on(f"t{number}")) for number in range(4)]
    for _ in range(ROUNDS):
        await asyncio.sleep(moments.uniform(0.1, 0.5))
        victim = moments.choice(workers(pair))
        victim.kill()
        seen_before = len(seen)
        await until(lambda before=seen_before: len(seen) > before + 20)
        await until(lambda gone=victim: gone.pid not in [one.pid for one in workers(pair)])
        await complete(pair)
    stopped.set()
    await asyncio.gather(*talkers)
    await pair.settled()
    with sqlite3.connect(pair.folder / "data" / "memproxy.db") as store:
        of = "entity_id LIKE ?", (f"{person}-t%",)
        rows = Counter(store.execute(f"SELECT entity_id, text FROM message WHERE {of[0]}", of[1]).fetchall())
        learned = f"SELECT entity_id, text FROM fact WHERE kind = 'episode' AND {of[0]}"
        facts = Counter(store.execute(learned, of[1]).fetchall())
    store.close()
    assert [one for one in seen if (one[0], one[1]) not in rows or (one[0], one[2]) not in rows] == []
    assert set(rows.values()) == {1}, "nothing was stored twice"
    assert facts == rows, "each message became an episode of its own person, once"


async def test_a_running_stream_may_end_before_the_workers_do(running: ServiceProcess, up: ScriptedUpstream):
    up.script = answer("one two three four five", delay=0.1)
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        http.stream("POST", f"{running.url}/e/ann/v1/chat/completions", json={**HI, "stream": True}) as reply,
    ):
        pieces = reply.aiter_raw()
        first = await anext(pieces)
        for worker in workers(running):
            worker.terminate()  # as systemd does: every process of the group has the signal, and it counts as one
        ended = asyncio.create_task(running.stop())
        rest = b"".join([piece async for piece in pieces])
    assert (first + rest).endswith(b"data: [DONE]\n\n")
    assert await ended == 0


async def test_a_second_signal_cuts_the_farewell_short(folder: Path, upstream_port: int, up: ScriptedUpstream):
    up.script = answer("one", upto=1, end=(math.inf,))
    service = of(folder, upstream_port, shutdown_timeout=600)
    await service.start()
    pid = service.pid
    async with (
        httpx.AsyncClient(trust_env=False, timeout=30) as http,
        http.stream("POST", f"{service.url}/e/ann/v1/chat/completions", json={**HI, "stream": True}) as reply,
    ):
        pieces = reply.aiter_raw()
        await anext(pieces)
        ended = asyncio.create_task(service.stop())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), 0.5)
        os.kill(pid, signal.SIGTERM)
        assert await ended == 0
        await pieces.aclose()


async def test_workers_end_when_their_parent_is_killed(running: ServiceProcess, up: ScriptedUpstream):
    orphans = workers(running)
    await running.kill()
    await until(lambda: not any(alive(one) for one in orphans))
    with pytest.raises(httpx.ConnectError):
        await fresh(running, "GET", "/healthz")


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_workers_that_die_again_and_again_end_the_service(folder: Path, upstream_port: int):
    service = of(folder, upstream_port)
    await service.start()
    parent = psutil.Process(service.pid)

    def kill_all() -> bool:
        for worker in parent.children() if parent.is_running() and alive(parent) else []:
            worker.kill()
        return not alive(parent)

    await until(kill_all, deadline=60)
    assert await service.end(signal.SIGTERM) == 128 + signal.SIGKILL
    assert "die again and again" in service.log_tail()


# What cannot work


def ends(service: ServiceProcess) -> subprocess.CompletedProcess[str]:
    return subprocess.run(service.command(), capture_output=True, text=True, timeout=60)


async def test_a_port_in_use_is_one_clear_line(folder: Path, up: ScriptedUpstream):
    service = of(folder, up.port, listen=f"127.0.0.1:{up.port}")
    ended = await asyncio.to_thread(ends, service)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "in use" in ended.stderr


@pytest.mark.parametrize("setting", [{"store": "sqlite:///"}, {"index": "nowhere"}, {"workers": "many"}])
async def test_a_setting_that_cannot_work_is_told_once(folder: Path, setting: dict[str, str]):
    (name,) = setting
    ended = await asyncio.to_thread(ends, of(folder, free_port(), **setting))
    assert ended.returncode == 2
    assert name in ended.stderr
    assert ended.stderr.count("\n") == 1
