"""The MongoDB store keeps every promise of a store, on a server that knows no transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memproxy.testing.store_contract import DurableStoreContract, Reopen
from memproxy_mongo import MongoStore, open_store
from tests.adapters.mongo_server import mongo
from tests.servers.mongo_wire import MongoWire

__all__ = ["mongo"]


@pytest.fixture
def url(mongo: MongoWire) -> str:
    return mongo.database()


class TestMongo(DurableStoreContract):
    @pytest.fixture
    async def store(self, url: str, tmp_path: Path) -> AsyncIterator[MongoStore]:
        async with open_store(url=url, data_dir=tmp_path) as store:
            yield store

    @pytest.fixture
    def reopen(self, url: str, tmp_path: Path) -> Reopen:
        return lambda: open_store(url=url, data_dir=tmp_path)
