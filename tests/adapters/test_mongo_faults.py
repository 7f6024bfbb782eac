"""Whatever happens to the server, callers see memproxy's own errors, which say what to do and tell no secret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from bson.errors import BSONError
from pymongo import errors

from memproxy.domain import MemoryWrite, Source
from memproxy.errors import BadRequest, ConfigError, Conflict, MemproxyError, StoreUnavailable
from memproxy.testing.store_contract import api_key
from memproxy.testing.store_contract_turns import look, texts
from memproxy.testing.store_samples import ALICE, entry, fact, message, turn
from memproxy_mongo import MongoStore, faults, open_store
from tests.adapters.mongo_server import mongo
from tests.servers.mongo_wire import MongoWire

__all__ = ["mongo"]

SECRET = "the diagnosis is confidential"
HASTY = "?serverSelectionTimeoutMS=1000&socketTimeoutMS=2000"


@pytest.fixture
def url(mongo: MongoWire) -> str:
    mongo.start()
    return mongo.database() + HASTY


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[MongoStore]:
    async with open_store(url=url, data_dir=tmp_path) as store:
        yield store


@pytest.fixture
async def patient(mongo: MongoWire, tmp_path: Path) -> AsyncIterator[MongoStore]:
    """For what takes the server its time."""
    mongo.start()
    async with open_store(url=mongo.database(), data_dir=tmp_path) as store:
        yield store


def sources(count: int) -> tuple[Source, ...]:
    return tuple(Source(f"message-{n:036}", f"session-{n:036}", f"message-{n:036}") for n in range(count))


def family(root: type[BaseException]) -> list[type[BaseException]]:
    return [root, *(kind for child in root.__subclasses__() for kind in family(child))]


@pytest.mark.parametrize("kind", [*family(errors.PyMongoError), *family(BSONError)], ids=lambda kind: kind.__name__)
def test_every_error_of_the_driver_is_mapped(kind: type[Exception]) -> None:
    error = kind({}) if issubclass(kind, errors.BulkWriteError) else kind.__new__(kind, SECRET)
    error.args = (SECRET,)
    if isinstance(error, errors.OperationFailure):
        errors.OperationFailure.__init__(error, SECRET, 8, {})
    assert issubclass(kind, faults.DRIVER)
    told = faults.translated(error, "memories")
    assert isinstance(told, MemproxyError)
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.OperationFailure(SECRET, 18), "name and password"),
        (errors.OperationFailure(SECRET, 13), "name and password"),
        (errors.NotPrimaryError(SECRET), "no primary"),
        (errors.OperationFailure(SECRET, 14031), "disk is full"),
        (errors.NetworkTimeout(SECRET), "in time"),
        (errors.WaitQueueTimeoutError(SECRET), "maxPoolSize"),
        (errors.ServerSelectionTimeoutError(SECRET), "cannot be reached"),
        (errors.OperationFailure(SECRET, 59), "code 59"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_failure_is_told_with_its_remedy(error: Exception, told: str) -> None:
    assert told in str(faults.translated(error, "memories"))


async def test_a_server_that_went_is_unavailable_until_it_is_back(store: MongoStore, mongo: MongoWire) -> None:
    await store.commit([turn("a")])
    await asyncio.sleep(0.5)  # the stand-in writes to its file a moment later than it answers
    mongo.stop()
    for verb in (store.commit([turn("b")]), store.check(), look(store, "a"), store.depth()):
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await verb
    mongo.start()
    assert await texts(store) == ["a"]
    assert [c.added for c in await store.commit([turn("b")])] == [1]


async def test_a_server_that_hangs_holds_nobody_for_ever(store: MongoStore, mongo: MongoWire) -> None:
    await store.commit([turn("a")])
    mongo.pause()
    try:
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.commit([turn("b")])
        assert time.monotonic() - begun < 30
    finally:
        mongo.resume()
    assert [c.added for c in await store.commit([turn("b")])] in ([0], [1])
    assert await texts(store) == ["a", "b"]


async def test_a_server_that_is_away_at_the_start_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="memories cannot be reached"):
        await open_store(url=f"mongodb://al:{SECRET[:3]}@127.0.0.1:9/memories{HASTY}", data_dir=tmp_path).__aenter__()


async def test_a_store_that_is_not_open_is_unavailable(url: str, tmp_path: Path) -> None:
    store = open_store(url=url, data_dir=tmp_path)
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.check()
    async with store:
        await store.check()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.check()


async def test_what_no_document_holds_is_refused_whole(store: MongoStore) -> None:
    version = await store.write(ALICE, MemoryWrite((fact(1),)))
    with pytest.raises(BadRequest):
        await store.write(ALICE, MemoryWrite((fact(2), fact(3, tokens=2**70))))
    with pytest.raises(BadRequest, match="15 MB"):
        await store.write(ALICE, MemoryWrite((fact(2), fact(3, text="x" * 16_000_000))))
    assert [f.id for f in (await store.changes(ALICE, since=0)).facts] == ["fact-1"]
    assert await store.write(ALICE, MemoryWrite((fact(2),), expected=version)) == version + 1


async def test_a_turn_larger_than_any_document_is_kept_whole(patient: MongoStore) -> None:
    store, said = patient, [message(f"{n}" * 3_000_000) for n in range(7)]
    assert [c.added for c in await store.commit([turn(*said, "end")])] == [8]
    page = await store.messages(ALICE, "s1", cursor=None, limit=7)
    assert (list(page.items), page.total) == (said, 8)
    assert [m.text for m in (await store.messages(ALICE, "s1", cursor=page.next_cursor, limit=7)).items] == ["end"]
    await store.erase(ALICE)
    assert await store._db.count("part", {}) == 0


async def test_a_ledger_entry_larger_than_any_document_is_refused_and_costs_no_other_turn(patient: MongoStore) -> None:
    store, huge = patient, replace(entry("a", "block"), receipt=b"x" * 17_000_000)
    with pytest.raises(BadRequest, match="15 MB"):
        await store.commit([turn("a", injection=huge)])
    assert [c.added for c in await store.commit([turn("a", "b")])] == [2]
    assert await texts(store) == ["a", "b"]


async def test_a_fact_with_more_sources_than_a_document_holds_is_refused_whole(patient: MongoStore) -> None:
    store = patient
    version = await store.write(ALICE, MemoryWrite((fact(1, sources=sources(5_000)),)))
    with pytest.raises(BadRequest, match="15 MB"):
        await store.write(ALICE, MemoryWrite((fact(2), fact(1, sources=sources(150_000)))))
    changes = await store.changes(ALICE, since=0)
    assert changes.version == version
    assert [(each.id, len(each.sources)) for each in changes.facts] == [("fact-1", 5_000)]


async def test_reading_with_an_id_that_nobody_has_is_a_bad_request(store: MongoStore) -> None:
    with pytest.raises(BadRequest):
        await store.messages(ALICE, "\ud83d", cursor=None, limit=1)
    with pytest.raises(BadRequest):
        await store.history(ALICE, "\ud83d")


async def test_the_database_of_another_program_is_left_alone(mongo: MongoWire, url: str, tmp_path: Path) -> None:
    store = open_store(url=url, data_dir=tmp_path)
    store._db.open()
    await store._db.add("recipes", [{"_id": 1, "name": "soup"}])
    store._db.close()
    with pytest.raises(ConfigError, match="another program"):
        await open_store(url=url, data_dir=tmp_path).__aenter__()


async def test_a_schema_of_a_newer_memproxy_is_refused(store: MongoStore, url: str, tmp_path: Path) -> None:
    await store._db.change("schema", {}, {"$set": {"version": 99}})
    with pytest.raises(ConfigError, match=r"schema 99, which is newer than this memproxy knows \(1\)"):
        await open_store(url=url, data_dir=tmp_path).__aenter__()


async def test_a_key_is_not_made_twice_by_two(store: MongoStore) -> None:
    made = await asyncio.gather(*(store.create_key(api_key(1)) for _ in range(2)), return_exceptions=True)
    assert sorted(type(one) is Conflict for one in made) == [False, True]


@pytest.mark.parametrize(
    "url", ["mongodb://", "mongodb://h:x/db", f"mongodb://u:{SECRET[:3]}/x@h/d", "mongodb://h/?w=x=y"]
)
def test_a_url_that_names_no_server_is_refused_without_its_secrets(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        open_store(url=url, data_dir=tmp_path)
    assert refusal.value.param == "store"
    assert SECRET[:3] + "/" not in str(refusal.value)
