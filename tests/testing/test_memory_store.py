"""The in-memory store can be made to fail, for tests of what lies above a store."""

import pytest

from memproxy.domain import Event, FactState, MemoryWrite, Triple
from memproxy.errors import StoreUnavailable
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_contract import StoreContract
from memproxy.testing.store_samples import ALICE, NOON, fact


async def test_a_fault_fails_every_verb_until_it_is_taken_away() -> None:
    store = MemoryStore()
    store.fault = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        await store.check()
    with pytest.raises(StoreUnavailable):
        await store.enqueue([])
    store.fault = None
    await store.check()


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


async def test_history_and_triples_can_be_read_back() -> None:
    store = MemoryStore()
    event = Event("e1", "fact-1", "created", "said", None, "fact 1", NOON)
    triple = Triple("t1", "Alice", "lives in", "Berlin", "fact-1")
    await store.write(ALICE, MemoryWrite((fact(1),), (triple,), (event,)))
    assert list(await store.history(ALICE, "fact-1")) == [event]
    assert list(store.triples(ALICE)) == [triple]
    await store.write(ALICE, MemoryWrite((fact(1, text="", state=FactState.FORGOTTEN),)))
    assert list(store.triples(ALICE)) == []
