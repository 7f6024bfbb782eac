"""The service with `index = pgvector`, as its users meet it: replicas, a restart, a database that goes, an erasure."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from platformdirs import user_cache_dir

from memproxy.testing.scripts import answer
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream
from memproxy_minilm import check
from tests.adapters.vectors import sql
from tests.conftest import running
from tests.servers.postgres import Postgres
from tests.servers.process import ServerProcess

PROBLEMS = check(Path(os.environ.get("MEMPROXY_MODEL_DIR") or user_cache_dir("memproxy")))
pytestmark = pytest.mark.skipif(bool(PROBLEMS), reason="; ".join(PROBLEMS) or "the model is there")

HELD = "SELECT count(*) FROM vector_row"
ASKED = "Which instrument do I like?"
"""Shares no word with what was said of it, so that vectors alone find it."""


@pytest.fixture
def postgres() -> Iterator[ServerProcess]:
    """A server of its own: the test stops it."""
    yield from running(Postgres)


@pytest.fixture
async def up() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as upstream:
        upstream.script = answer("I see.")
        yield upstream


async def chat(service: ServiceProcess, words: str, *, memory: str = "recall") -> str:
    """What became of memory; what is asked is not remembered, lest it be recalled the next time."""
    body = {"model": "m", "messages": [{"role": "user", "content": words}]}
    async with httpx.AsyncClient(trust_env=False, timeout=30, headers={"X-Memproxy-Memory": memory}) as http:
        reply = await http.post(f"{service.url}/e/ann/v1/chat/completions", json=body)
    return str(reply.raise_for_status().headers["X-Memproxy-Memory"])


async def ready(service: ServiceProcess) -> dict[str, str]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        parts: dict[str, str] = (await http.get(f"{service.url}/readyz")).json()["parts"]
    return parts


async def test_replicas_recall_by_vectors_that_they_share(
    postgres: Postgres, up: ScriptedUpstream, tmp_path: Path
) -> None:
    url = postgres.database()

    def replica(name: str) -> ServiceProcess:
        return ServiceProcess(
            folder=tmp_path / name, upstream=up.url, store=url, index="pgvector", extractor="none", recall_timeout=5
        )

    async with replica("a") as one, replica("b") as two:
        assert (await ready(one))["index"] == "ok"
        await chat(one, "My cello gives me so much joy, nothing else comes near it.", memory="on")
        await one.settled()
        for service in (two, one):
            assert await chat(service, ASKED) == "hit"
            assert "cello" in up.requests[-1].messages[-1]["content"]
        await one.stop()
        before = await sql(url, "SELECT xmin::text FROM vector_row WHERE number = 1")
        await one.start()
        assert await chat(one, ASKED) == "hit"
        assert await sql(url, "SELECT xmin::text FROM vector_row WHERE number = 1") == before

        await sql(url, "ALTER TABLE vector_row RENAME TO vector_row_away")
        assert await chat(two, ASKED) == "degraded"
        await sql(url, "ALTER TABLE vector_row_away RENAME TO vector_row")
        postgres.stop()
        assert await chat(two, ASKED) == "degraded"
        assert "cannot be reached" in (await ready(two))["index"]
        await asyncio.to_thread(postgres.start)
        async with asyncio.timeout(30):
            while await chat(two, ASKED) != "hit" or {*(await ready(two)).values()} != {"ok"}:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

        async with httpx.AsyncClient(trust_env=False, base_url=two.url, timeout=30) as http:
            erased = await http.delete("/memory/v1/entities/ann")
        assert erased.status_code == 200, erased.text
        assert await sql(url, HELD) == [(0,)]
        for service in (one, two):
            await chat(service, ASKED)
            assert "cello" not in up.requests[-1].messages[-1]["content"]
        assert url not in one.log_tail() + two.log_tail()
