"""A server of each kind for these tests alone, since they stop it, and one service on it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from memproxy.testing.service import ServiceProcess, free_port
from memproxy.testing.upstream import ScriptedUpstream
from tests.conftest import running
from tests.faults.places import FewConnections, MariaPlace, MongoPlace, Place, PostgresPlace
from tests.faults.stage import ECHO, START, service
from tests.servers.mariadb import MariaDB
from tests.servers.mongo_wire import MongoWire
from tests.servers.toxiproxy import Toxiproxy

PLACES = {
    "postgresql": (FewConnections, PostgresPlace),
    "mariadb": (MariaDB, MariaPlace),
    "mongodb": (MongoWire, MongoPlace),
}
_people = itertools.count(1)


@pytest.fixture(scope="session")
def toxiproxy() -> Iterator[Toxiproxy]:
    yield from running(Toxiproxy)


@pytest.fixture(scope="session", params=PLACES)
def place(request: pytest.FixtureRequest, toxiproxy: Toxiproxy) -> Iterator[Place]:
    kind, made = PLACES[request.param]
    for server in running(kind):
        yield made(server, toxiproxy.between(server.port))


@pytest.fixture(scope="session")
def upstream_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory, place: Place, upstream_port: int) -> Iterator[ServiceProcess]:
    made = service(tmp_path_factory.mktemp("faults"), upstream_port, place.store)
    asyncio.run(made.start(deadline=START))
    yield made
    asyncio.run(made.kill())


@pytest.fixture(autouse=True)
async def up(upstream_port: int) -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream(port=upstream_port, script=ECHO) as upstream:
        yield upstream


@pytest.fixture
def person() -> str:
    return f"person-{next(_people)}"
