"""The server that the tests of the MongoDB store run on: mongo-java-server, which speaks MongoDB's wire protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import running
from tests.servers.mongo_wire import MongoWire
from tests.servers.process import ServerProcess


@pytest.fixture(scope="module")
def mongo() -> Iterator[ServerProcess]:
    yield from running(MongoWire)
