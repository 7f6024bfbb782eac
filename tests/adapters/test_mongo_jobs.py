"""Jobs of turns are queued after the turns are stored: whoever asks for jobs sees all of them, and an erasure takes
those of the life it ends, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from memproxy.domain import JobState, Turn
from memproxy.errors import Conflict
from memproxy.testing.store_samples import ALICE, after, claim, job, turn
from memproxy_mongo import MongoStore, change, open_store
from memproxy_mongo.driver import Database
from tests.adapters.mongo_server import mongo
from tests.servers.mongo_wire import MongoWire

__all__ = ["mongo"]


@pytest.fixture
def url(mongo: MongoWire) -> str:
    return mongo.database()


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[MongoStore]:
    async with open_store(url=url, data_dir=tmp_path) as store:
        yield store


async def left_by_the_dead(url: str, *turns: Turn) -> None:
    """Commit them, and queue none of their jobs."""
    store = MongoStore(url=url)
    store._db.open()
    await store.commit(turns)
    store._db.close()


@pytest.mark.parametrize("verb", ["jobs", "depth", "retry", "opening"])
async def test_the_jobs_of_a_writer_that_died_are_seen_by_whoever_asks_for_them(
    store: MongoStore, url: str, tmp_path: Path, verb: str
) -> None:
    await left_by_the_dead(url, turn("a", jobs=(job(1),)))
    assert await store._db.count("job", {}) == 0
    if verb == "jobs":
        assert (await store.jobs("acme", entity=None, states=[JobState.PENDING], cursor=None, limit=9)).total == 1
    elif verb == "depth":
        assert (await store.depth()).pending == 1
    elif verb == "retry":
        with pytest.raises(Conflict, match="pending"):
            await store.retry("acme", "job-1", now=after(1))
    else:
        async with open_store(url=url, data_dir=tmp_path):
            assert await store._db.count("job", {}) == 1
    assert [one.id for one in await claim(store, at=after(1))] == ["job-1"]


async def test_more_than_the_sweep_takes_at_once_is_followed_up(store: MongoStore, url: str) -> None:
    for first in range(0, 1000, 200):
        await left_by_the_dead(url, *(turn("a", session=f"s{n}", jobs=(job(n),)) for n in range(first, first + 200)))
    await left_by_the_dead(url, turn("b", jobs=(job(1000),)))
    assert (await store.depth()).pending == 1001


async def test_a_life_that_begins_while_the_one_before_is_erased_keeps_its_jobs(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.commit([turn("a", jobs=(job(1),))])
    wipe = change.wipe

    async def meanwhile(db: Database, life: Any) -> None:
        monkeypatch.setattr(change, "wipe", wipe)
        await wipe(db, life)
        await store.commit([turn("b", session="s2", jobs=(job(2),))])
        assert (await store.depth()).pending == 1

    monkeypatch.setattr(change, "wipe", meanwhile)
    await store.erase(ALICE)
    assert [one.id for one in await claim(store)] == ["job-2"]


async def test_what_follows_from_turns_of_one_that_was_erased_meanwhile_goes_too(
    store: MongoStore, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.commit([turn("a", jobs=(job(1),))])
    async with open_store(url=url, data_dir=tmp_path) as other:
        raise_to = Database.raise_to

        async def late(db: Database, *args: Any, **kwargs: Any) -> None:
            monkeypatch.setattr(Database, "raise_to", raise_to)
            await other.erase(ALICE)
            await raise_to(db, *args, **kwargs)

        monkeypatch.setattr(Database, "raise_to", late)
        assert await claim(store) == []
        assert [name for name in change.OWNED if await store._db.count(name, {})] == []
