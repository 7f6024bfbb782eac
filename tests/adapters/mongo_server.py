"""The server that the tests of the MongoDB store run on: mongo-java-server, which speaks MongoDB's wire protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.mongo_wire import MongoWire
from tests.servers.process import MissingServer


@pytest.fixture(scope="module")
def mongo() -> Iterator[MongoWire]:
    try:
        server = MongoWire()
    except MissingServer as error:
        pytest.skip(f"the MongoDB store needs a server: {error}")
    with server:
        yield server
