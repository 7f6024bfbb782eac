"""The service on MongoDB, as its users meet it: two replicas behind no sticky sessions, killed under load."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from memproxy.domain import Scope
from memproxy.testing.scripts import answer, answer_by
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream
from memproxy_mongo import MongoStore, open_store
from tests.adapters.mongo_server import mongo
from tests.servers.mongo_wire import MongoWire

__all__ = ["mongo"]

ROUNDS = 3
TALKERS = 4


@pytest.fixture
async def up() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as upstream:
        yield upstream


def replica(folder: Path, up: ScriptedUpstream, url: str) -> ServiceProcess:
    return ServiceProcess(folder=folder, upstream=up.url, store=url, embedder="none", recall_timeout=5)


async def chat(service: ServiceProcess, person: str, words: str) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": words}]}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.post(f"{service.url}/e/{person}/v1/chat/completions", json=body)


async def test_what_one_replica_learns_the_other_recalls(
    mongo: MongoWire, up: ScriptedUpstream, tmp_path: Path
) -> None:
    url = mongo.database()
    up.script = answer("I see.")
    async with replica(tmp_path / "a", up, url) as one, replica(tmp_path / "b", up, url) as two:
        (await chat(one, "ann", "My sister Xanthia lives in Lisbon.")).raise_for_status()
        await one.settled()
        (await chat(two, "ann", "Where does my sister Xanthia live?")).raise_for_status()
        assert "Lisbon" in up.requests[-1].messages[-1]["content"]
        async with httpx.AsyncClient(trust_env=False, base_url=two.url) as http:
            (await http.delete("/memory/v1/entities/ann")).raise_for_status()
        (await chat(one, "ann", "Where does my sister Xanthia live?")).raise_for_status()
        assert "Lisbon" not in up.requests[-1].messages[-1]["content"]


async def talk(service: ServiceProcess, person: str, seen: list[tuple[str, str]]) -> None:
    """Chat until the service dies; note what was seen complete."""
    for number in range(10_000):
        said = f"{person} says {number}"
        try:
            reply = await chat(service, person, said)
        except httpx.TransportError:
            return
        if reply.status_code == 200:
            seen.append((person, said))


async def stored(store: MongoStore, person: str) -> list[str]:
    scope = Scope("default", person)
    sessions = (await store.sessions(scope, cursor=None, limit=1000)).items
    pages = [await store.messages(scope, session.id, cursor=None, limit=1000) for session in sessions]
    assert [page.total for page in pages] == [len(page.items) for page in pages]
    return [said.text for page in pages for said in page.items]


async def test_a_kill_at_any_moment_loses_no_turn(mongo: MongoWire, up: ScriptedUpstream, tmp_path: Path) -> None:
    up.script = answer_by(lambda request: "echo " + request.messages[-1]["content"].rpartition("\n")[2])
    url, moments = mongo.database(), random.Random(20261121)
    service, seen = replica(tmp_path, up, url), list[tuple[str, str]]()
    for round_ in range(ROUNDS):
        await service.start()
        before = len(seen)
        talkers = [asyncio.create_task(talk(service, f"r{round_}-t{n}", seen)) for n in range(TALKERS)]
        async with asyncio.timeout(60):
            while len(seen) == before:  # noqa: ASYNC110 there is something to lose
                await asyncio.sleep(0.02)
        await asyncio.sleep(moments.uniform(0, 1))
        await service.kill()
        await asyncio.gather(*talkers)
    assert len(seen) > ROUNDS, "there was something to lose"
    async with service:
        await service.settled()
    async with open_store(url=url, data_dir=tmp_path) as store:
        for person in {person for person, _ in seen}:
            texts = await stored(store, person)
            said = [words for name, words in seen if name == person]
            assert [texts.count(words) for words in said] == [1] * len(said)
            assert [texts.count(f"echo {words}") for words in said] == [1] * len(said)
        assert (await store.depth()).dead == 0


async def test_chat_goes_on_while_the_store_is_away_and_its_turns_are_stored_later(
    mongo: MongoWire, up: ScriptedUpstream, tmp_path: Path
) -> None:
    up.script = answer("I see.")
    url = mongo.database() + "?serverSelectionTimeoutMS=1000"
    async with replica(tmp_path, up, url) as service:
        (await chat(service, "ann", "one")).raise_for_status()
        await asyncio.sleep(0.5)  # the stand-in writes to its file a moment later than it answers
        mongo.stop()
        (await chat(service, "ann", "two")).raise_for_status()
        mongo.start()
        async with asyncio.timeout(60), open_store(url=url, data_dir=tmp_path) as store:
            while "two" not in (found := await stored(store, "ann")):  # noqa: ASYNC110 another process stores it
                await asyncio.sleep(0.1)
    assert (found.count("one"), found.count("two")) == (1, 1)
