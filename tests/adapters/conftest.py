"""Servers of databases, one of each for the whole run; a test that needs one that cannot be had is skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres
from tests.servers.process import MissingServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    try:
        server = Postgres()
    except MissingServer as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    try:
        server = MariaDB()
    except MissingServer as missing:
        pytest.skip(str(missing))
    with server:
        yield server
