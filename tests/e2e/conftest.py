"""One real memproxy process for a module's tests, before an upstream that each test scripts; each test has its own
entity. Where a model was pulled it is used, else recall goes by words alone: the promises are the same."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import openai
import pytest

from memproxy.testing.service import ServiceProcess, free_port
from memproxy.testing.upstream import ScriptedUpstream

_people = itertools.count(1)


@pytest.fixture(scope="module")
def upstream_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, upstream_port: int) -> Iterator[ServiceProcess]:
    running = ServiceProcess(
        folder=tmp_path_factory.mktemp("memproxy"),
        upstream=f"http://127.0.0.1:{upstream_port}/v1",
        anthropic_upstream=f"http://127.0.0.1:{upstream_port}",
        gemini_upstream=f"http://127.0.0.1:{upstream_port}",
        # Two busy cores make a deadline that people need a matter of luck; its own test sets it low.
        recall_timeout=5,
        upstream_connect_timeout=2,
        upstream_timeout=2,
    )
    asyncio.run(running.start())
    yield running
    asyncio.run(running.kill())


@pytest.fixture
async def up(upstream_port: int) -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream(port=upstream_port) as upstream:
        yield upstream


@pytest.fixture
def person() -> str:
    return f"person-{next(_people)}"


@pytest.fixture
async def ai(service: ServiceProcess, person: str) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client, as this person."""
    async with openai.AsyncOpenAI(
        base_url=f"{service.url}/v1", api_key="sk-client", max_retries=0, default_headers={"X-Memproxy-Entity": person}
    ) as client:
        yield client


@pytest.fixture
async def http(service: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "service"
