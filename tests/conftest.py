"""Database servers, one of each for the whole run, and new stores on each; a test that needs a server that cannot be
had is skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.mariadb import MariaDB
from tests.servers.mongo_wire import MongoWire
from tests.servers.postgres import Postgres
from tests.servers.process import MissingServer, ServerProcess

STORES = {"sqlite": None, "postgresql": "postgres", "mariadb": "mariadb", "mongodb": "mongo_server"}
"""Kinds of stores, and the fixture that runs the server of each."""


def running(kind: Callable[[], ServerProcess]) -> Iterator[ServerProcess]:
    try:
        server = kind()
    except MissingServer as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[ServerProcess]:
    yield from running(Postgres)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[ServerProcess]:
    yield from running(MariaDB)


@pytest.fixture(scope="session")
def mongo_server() -> Iterator[ServerProcess]:
    yield from running(MongoWire)


def new_store(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """The URL of a new store of this kind; starts its server where none runs yet."""
    if (server := STORES[kind]) is None:
        return f"sqlite:///{folder}/memproxy.db"
    url: str = request.getfixturevalue(server).database()
    return url
