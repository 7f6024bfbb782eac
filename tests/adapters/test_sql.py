"""The SQLite store keeps every promise of a store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memproxy.testing.store_contract import DurableStoreContract, Reopen
from memproxy_sql import SqlStore, open_store


def sqlite(folder: Path) -> SqlStore:
    return open_store(url="sqlite:///{data_dir}/memproxy.db", data_dir=folder)


class TestSqlite(DurableStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqlStore]:
        async with sqlite(tmp_path) as store:
            yield store

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Reopen:
        return lambda: sqlite(tmp_path)
