"""Erasing an entity leaves nothing: not in a file of the data directory, not in the memory of the running service."""

from __future__ import annotations

import asyncio
import gc
import json
import math
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from memproxy.app import Service
from memproxy.app import service as opened
from memproxy.config import Settings
from memproxy.tasks import Tasks
from memproxy.testing.scripts import answer
from memproxy.testing.service import ServiceProcess, free_port
from memproxy.testing.upstream import ScriptedUpstream

from .planting import ERASED, SPARED
from .small_graph import GRAPH_ABOVE

WORDS = ("xanthorpi", "orvellon", "wimblok", "tarnuka", "bruzzol", "quolpatra")
"""Name, city, liking, secret, question, reply; nobody says them without the marks that planting puts before them."""
ROOT = Path(__file__).parents[2]
INDEX = "tests.e2e.small_graph:open_index"
EXPLAINED = 5
"""Finds of which it is told where they hang; that costs a look at every object."""
PREFIX = 64
"""Bytes by which a vector is known."""


async def plant(url: str, upstream_port: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.e2e.planting", url, str(upstream_port), *WORDS, cwd=ROOT
    )
    assert await process.wait() == 0


async def erase(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        (await http.delete(f"/memory/v1/entities/{ERASED}")).raise_for_status()


def needles(mark: str) -> list[bytes]:
    return [f"{mark}{word}".encode() for word in WORDS]


def vectors(data: Path, entity: str, fact: str = "%") -> list[bytes]:
    """How the entity's vectors begin, as they are stored and as they are computed with."""
    with sqlite3.connect(f"file:{data / 'memproxy.db'}?mode=ro", uri=True) as db:
        wanted = "entity_id = ? AND id LIKE ? AND embedding IS NOT NULL"
        rows = db.execute(f"SELECT embedding FROM fact WHERE {wanted}", (entity, fact))
        stored = [np.frombuffer(row, "<f2") for (row,) in rows]
    db.close()
    assert stored
    return [half for vector in stored for half in (vector[: PREFIX // 2].tobytes(), as_float(vector))]


def as_float(vector: np.ndarray) -> bytes:
    return vector[: PREFIX // 4].astype("<f4").tobytes()


def in_files(folder: Path, wanted: list[bytes]) -> set[str]:
    """The files that hold one of the needles, whatever the case of its letters."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if any(one in data for one in wanted) or any(one in data.lower() for one in wanted):
                found.add(path.name.partition("-")[0] if path.suffix == ".graph" else path.name)
    return found


async def snapshots(data: Path, count: int) -> None:
    """Wait until so many graphs are on the disk."""
    async with asyncio.timeout(30):
        while True:
            if len(list((data / "vectors").glob("*.graph"))) >= count:
                return
            await asyncio.sleep(0.02)


async def test_nothing_is_left_in_any_file_when_the_call_returns(
    tmp_path: Path, upstream_port: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "adapters")]))
    service = ServiceProcess(
        folder=tmp_path, upstream=f"http://127.0.0.1:{upstream_port}/v1", index=INDEX, recall_timeout=5
    )
    data = tmp_path / "data"
    async with service:
        await plant(service.url, upstream_port)
        told = vectors(data, ERASED)
        await snapshots(data, 2)
        before = in_files(tmp_path, [*needles("zq"), *told])
        assert {name for name in before if "memproxy.db" in name}
        assert len(before) >= 2, "a snapshot holds the vectors too"
        await erase(service.url)
        assert in_files(tmp_path, [*needles("zq"), *told]) == set()
        assert len(list((data / "vectors").glob("*.graph"))) == 1
        assert in_files(tmp_path, needles("yq")), "whoever was not erased is still there"
        async with httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
            reply = await http.post(f"/memory/v1/entities/{SPARED}/recall", json={"query": "What do I like?"})
            assert "yq" in reply.json()["block"]
            reply = await http.post(f"/memory/v1/entities/{ERASED}/recall", json={"query": "What do I like?"})
            assert reply.json()["block"] == ""
    assert in_files(tmp_path, [*needles("zq"), *told]) == set(), "nor when the service has ended"


async def test_a_request_that_is_under_way_brings_nothing_of_the_erased_memory_back(
    service: ServiceProcess, up: ScriptedUpstream, ai: openai.AsyncOpenAI, http: httpx.AsyncClient, person: str
):
    base = f"/memory/v1/entities/{person}"
    told = {"role": "user", "content": "I keep bees in Qarbenheim."}
    (await http.post(f"{base}/messages", json={"messages": [told]})).raise_for_status()
    await service.settled(entity=person)
    question = {"role": "user", "content": "Where do I keep the bees?"}
    # The reply comes to a halt; the client leaves once the memory is erased, and only then is the turn stored.
    up.script = answer("Let me think about that", chunks=6, upto=4, end=(math.inf,))
    stream = await ai.chat.completions.create(model="m", messages=[question], stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    assert "Qarbenheim" in up.last.prompt, "it had been given the old memory"
    (await http.delete(base)).raise_for_status()
    await stream.close()
    rows = await _stored(http, person)
    assert question["content"] in [row["text"] for row in rows if row["type"] == "message"]
    assert [(row["block"], row["facts"]) for row in rows if row["type"] == "injection"] == [("", [])]
    assert "Qarbenheim" not in json.dumps(rows)
    await service.settled(entity=person)
    up.script = answer("All gone.")
    reply = {"role": "assistant", "content": next(row["text"] for row in rows if row.get("role") == "assistant")}
    again = {"role": "user", "content": "And where is my honey?"}
    await ai.chat.completions.create(model="m", messages=[question, reply, again])
    assert "Qarbenheim" not in up.last.body.decode()


async def _stored(http: httpx.AsyncClient, person: str) -> list[dict[str, Any]]:
    """What is stored of the entity, as soon as there is something."""
    async with asyncio.timeout(20):
        while True:
            reply = await http.get(f"/memory/v1/entities/{person}/export")
            if reply.status_code == 200:
                return [json.loads(line) for line in reply.text.splitlines()[1:]]
            await asyncio.sleep(0.02)


async def test_what_is_forgotten_leaves_the_files_too_its_vector_included(
    tmp_path: Path, upstream_port: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "adapters")]))
    url, data = f"http://127.0.0.1:{upstream_port}/v1", tmp_path / "data"
    base, secret = "/memory/v1/entities/somebody", "zqvaultkode"
    async with (
        ScriptedUpstream(port=upstream_port, script=answer("I see.")) as up,
        ServiceProcess(folder=tmp_path, upstream=url, index=INDEX, recall_timeout=5) as service,
        httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=60) as http,
    ):
        told = [{"role": "user", "content": f"Note {number}: nothing much."} for number in range(GRAPH_ABOVE + 8)]
        (await http.post(f"{base}/messages", json={"messages": told})).raise_for_status()
        await service.settled(entity="somebody")
        fact = (await http.post(f"{base}/facts", json={"text": f"The vault opens with {secret}"})).json()
        ask = {"model": "m", "messages": [{"role": "user", "content": "What does the vault open with?"}]}
        (await http.post("/e/somebody/v1/chat/completions", json=ask)).raise_for_status()
        assert secret in up.last.prompt
        await snapshots(data, 1)
        vector = [one for one in vectors(data, "somebody", fact["id"]) if one]
        assert {"memproxy.db"} < {name.removesuffix("-wal") for name in in_files(data, [secret.encode(), *vector])}
        (await http.delete(f"{base}/facts/{fact['id']}")).raise_for_status()
        assert in_files(tmp_path, [secret.encode(), *vector]) == set()
        (await http.post("/e/somebody/v1/chat/completions", json=ask)).raise_for_status()
        assert secret not in up.last.prompt


# In memory


def held(mark: str, told: list[bytes]) -> list[str]:
    """Where an object of this process holds a planted word or a vector: everything the collector knows, and all that it
    refers to, caches of functools and the frames of other threads included."""
    gc.collect()
    wanted = needles(mark)
    stack: list[Any] = [*gc.get_objects(), *_frames()]
    seen = {id(stack), *map(id, (wanted, *wanted, told, *told))}
    found = []
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if _tells(one, mark, wanted, told):
            where = _holders(one, stack) if len(found) < EXPLAINED else ""
            found.append(f"{type(one).__name__} {str(one)[:60]!r} {where}")
        if type(one) not in (str, bytes, bytearray, int, float):
            stack.extend(gc.get_referents(one))
    return found


def _tells(one: Any, mark: str, wanted: list[bytes], told: list[bytes]) -> bool:
    match one:
        case str():  # the mark alone is looked for first: it stands in few of a million texts
            low = one.lower()
            return mark in low and any(needle.decode() in low for needle in wanted)
        case bytes() | bytearray():
            low = one.lower()
            return (mark.encode() in low and any(map(low.__contains__, wanted))) or _has_vector(one, told)
        case np.ndarray() if one.dtype.kind == "f":
            return _has_vector(one.tobytes(), told)
    return False


def _has_vector(data: bytes | bytearray, told: list[bytes]) -> bool:
    return len(data) >= PREFIX // 2 and any(map(data.__contains__, told))


def _frames() -> Iterator[Any]:
    for frame in sys._current_frames().values():
        while frame is not None and frame.f_code.co_name != "held":
            yield from frame.f_locals.values()
            frame = frame.f_back


def _holders(one: Any, mine: Any) -> str:
    """For whoever has to find out why."""
    holders = [holder for holder in gc.get_referrers(one) if holder is not mine]
    return f"in {[f'{type(holder).__name__} {str(holder)[:200]}' for holder in holders[:4]]}"


def _types(found: list[str]) -> set[str]:
    return {one.partition(" ")[0] for one in found}


@pytest.fixture
async def running(tmp_path: Path, upstream_port: int) -> Any:
    settings = Settings(
        listen=f"127.0.0.1:{free_port()}",
        upstream=f"http://127.0.0.1:{upstream_port}/v1",
        data_dir=tmp_path / "data",
        recall_timeout=5,
    )
    async with opened(settings, Tasks()) as service:
        await service.start()
        yield service, settings
        await service.stop(deadline=1, hurry=asyncio.Event())


async def test_nothing_is_left_in_the_memory_of_the_running_service(
    running: tuple[Service, Settings], upstream_port: int
):
    _, settings = running
    url = f"http://{settings.listen}"
    await plant(url, upstream_port)
    told = vectors(settings.data_dir, ERASED)
    assert {"str", "ndarray"} <= _types(held("zq", told)), "they are looked for where they are"
    await erase(url)
    assert held("zq", told) == []
    assert held("yq", []), "whoever was not erased is still there"
