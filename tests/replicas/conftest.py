"""Two replicas on each kind of store, started once for all tests; each test has people of its own.

REPLICAS_STORES names the stores (`postgresql,mongodb`; `all`, or some of them).
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from memproxy.testing.service import free_port
from memproxy.testing.upstream import ScriptedUpstream
from tests.conftest import STORES, new_store
from tests.servers.replicas import Replicas

NAMED = os.environ.get("REPLICAS_STORES", "postgresql,mongodb")
_people = itertools.count(1)


@pytest.fixture(scope="session")
def upstream_port() -> int:
    return free_port()


@pytest.fixture(scope="session", params=STORES if NAMED == "all" else NAMED.split(","))
def replicas(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream_port: int
) -> Iterator[Replicas]:
    folder = tmp_path_factory.mktemp("replicas")
    store_url = new_store(request, request.param, folder)
    settings = {"jobs_lease": 1, "jobs_attempts": 1, "extractor": "tests.replicas.obedient:Obedient"}
    made = Replicas(folder=folder, store=store_url, upstream=upstream_port, **settings)
    asyncio.run(made.start())
    yield made
    asyncio.run(made.kill())


@pytest.fixture
async def up(upstream_port: int) -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream(port=upstream_port) as upstream:
        yield upstream


@pytest.fixture
def person() -> str:
    return f"person-{next(_people)}"


@pytest.fixture
async def one(replicas: Replicas) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the first replica."""
    async with replicas.client(replicas.all[0]) as http:
        yield http


@pytest.fixture
async def other(replicas: Replicas) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the second one."""
    async with replicas.client(replicas.all[1]) as http:
        yield http


@pytest.fixture
async def anyone(replicas: Replicas) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is sent to either, at random."""
    async with replicas.client() as http:
        yield http
