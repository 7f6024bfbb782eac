"""The service on MongoDB, as its users meet it: two replicas behind no sticky sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from memproxy.testing.scripts import answer
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream
from tests.adapters.mongo_server import mongo
from tests.servers.mongo_wire import MongoWire

__all__ = ["mongo"]


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
