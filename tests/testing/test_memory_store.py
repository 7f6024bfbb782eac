"""The in-memory store can be made to fail, for tests of what lies above a store."""

import pytest

from memproxy.errors import StoreUnavailable
from memproxy.testing.memory_store import MemoryStore


async def test_a_fault_fails_every_verb_until_it_is_taken_away() -> None:
    store = MemoryStore()
    store.fault = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        await store.check()
    with pytest.raises(StoreUnavailable):
        await store.enqueue([])
    store.fault = None
    await store.check()
