"""Whoever dies between two writes leaves nothing half done: the next to come finds all of it, or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from memproxy.domain import FactState, MemoryWrite
from memproxy.errors import Conflict, StoreUnavailable
from memproxy.testing.store_contract_turns import look
from memproxy.testing.store_samples import ALICE, after, claim, entry, event, fact, job, message, triple, turn
from memproxy_mongo import MongoStore, open_store
from memproxy_mongo.driver import Database
from tests.adapters.mongo_server import mongo
from tests.servers.mongo_wire import MongoWire

__all__ = ["mongo"]

WRITES = range(16)
"""More than any verb makes here; the last tries see the verb come to its end."""


class Mortal(Database):
    """Dies before its n-th write."""

    def __init__(self, *, url: str, writes: int) -> None:
        super().__init__(url=url)
        self._left = writes

    def _live(self) -> None:
        if self._left <= 0:
            raise StoreUnavailable("Dead.")
        self._left -= 1

    async def add(self, collection: str, documents: Sequence[Any]) -> set[int]:
        if documents:
            self._live()
        return await super().add(collection, documents)

    async def put(self, collection: str, documents: Sequence[Any], *, mark: str) -> None:
        if documents:
            self._live()
        await super().put(collection, documents, mark=mark)

    async def change(self, collection: str, query: Any, update: Any, *, new: bool = False) -> bool:
        self._live()
        return await super().change(collection, query, update, new=new)

    async def change_all(self, collection: str, query: Any, update: Any) -> None:
        self._live()
        await super().change_all(collection, query, update)

    async def pull_out(self, collection: str, query: Any) -> Any:
        self._live()
        return await super().pull_out(collection, query)

    async def remove(self, collection: str, query: Any) -> int:
        self._live()
        return await super().remove(collection, query)


@pytest.fixture
def url(mongo: MongoWire) -> str:
    return mongo.database()


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[MongoStore]:
    async with open_store(url=url, data_dir=tmp_path) as store:
        yield store


async def dying(url: str, writes: int, verb: Callable[[MongoStore], Awaitable[object]]) -> bool:
    """Whether it died of it."""
    store = MongoStore(url=url)
    store._db = Mortal(url=url, writes=writes)
    store._db.open()
    try:
        await verb(store)
    except StoreUnavailable:
        return True
    finally:
        store._db.close()
    return False


async def rows(store: MongoStore) -> Mapping[str, int]:
    """How many documents there are, in collections that tell of somebody."""
    kept = ("schema", "tenant", "ended", "system.indexes")
    return {name: await store._db.count(name, {}) for name in await store._db.collections() if name not in kept}


@pytest.mark.parametrize("writes", WRITES)
async def test_a_turn_is_stored_once_with_its_jobs(store: MongoStore, url: str, writes: int, tmp_path: Path) -> None:
    said = turn("a", "b", injection=entry("a", "block", tokens=7), jobs=(job(1),), at=after(1))
    died = await dying(url, writes, lambda mortal: mortal.commit([said]))
    assert died == (writes < 5)
    there = (await look(store, "b")).session is not None or bool((await look(store, session="s1")).tokens)
    async with open_store(url=url, data_dir=tmp_path) as later:
        page = await later.messages(ALICE, "s1", cursor=None, limit=9)
        assert ([m.text for m in page.items], page.total) == ((["a", "b"], 2) if there else ([], 0))
        assert len(await claim(later, at=after(2))) == int(there)
        assert [c.added for c in await later.commit([said])] == [0 if there else 2]
        assert (await look(later, "b")).session == "s1"
        assert (await look(later, session="s1")).tokens == 7
        (session,) = (await later.sessions(ALICE, cursor=None, limit=9)).items
        assert (session.messages, session.created_at) == (2, after(1))
        jobs = await later.jobs("acme", entity=None, states=[], cursor=None, limit=9)
        assert [one.id for one in jobs.items] == ["job-1"]


@pytest.mark.parametrize("writes", WRITES)
async def test_a_session_goes_on_after_a_turn_whose_writer_died(store: MongoStore, url: str, writes: int) -> None:
    await store.commit([turn("a", at=after(1))])
    await dying(url, writes, lambda mortal: mortal.commit([turn("b", at=after(2), jobs=(job(1),))]))
    await store.commit([turn("b", "c", at=after(3))])
    page = await store.messages(ALICE, "s1", cursor=None, limit=9)
    assert ([m.text for m in page.items], page.total) == (["a", "b", "c"], 3)


@pytest.mark.parametrize("writes", WRITES)
async def test_a_change_happens_whole_or_not_at_all(store: MongoStore, url: str, writes: int) -> None:
    await store.commit([turn("a", "b", injection=entry("a", "- tea\n- milk"))])
    first = MemoryWrite((fact(1), fact(2)), (triple(1), triple(2, "fact-2")), (event(1),))
    version = await store.write(ALICE, first)
    forgotten = fact(1, state=FactState.FORGOTTEN, text="")
    change = MemoryWrite(
        (forgotten, fact(3)), (triple(3, "fact-3"),), (event(2, "fact-3"),), (message("a").id,),
        struck=("- tea",), expected=version,
    )  # fmt: skip
    died = await dying(url, writes, lambda mortal: mortal.write(ALICE, change))
    read = await store.changes(ALICE, since=0)
    assert read.version in (version, version + 1)
    if read.version == version:
        assert died
        await store.write(ALICE, change)
    else:
        with pytest.raises(Conflict):
            await store.write(ALICE, change)
    known = [(f.id, f.number, f.state.value) for f in (await store.changes(ALICE, since=0)).facts]
    assert known == [("fact-1", 1, "forgotten"), ("fact-2", 2, "current"), ("fact-3", 3, "current")]
    assert [e.after for e in await store.history(ALICE, "fact-1")] == [None]
    assert [m.text for m in await store.unaugmented(ALICE, "s1", limit=9)] == ["b"]
    assert [e.block for e in (await look(store, session="s1")).injections] == ["- milk"]
    page = await store.export(ALICE, cursor=None, limit=99)
    assert [kept.row for kept in page.items if kept.row in (triple(1), triple(2, "fact-2"), triple(3, "fact-3"))] == [
        triple(2, "fact-2"),
        triple(3, "fact-3"),
    ]


@pytest.mark.parametrize("writes", WRITES)
async def test_an_erasure_that_broke_off_is_brought_to_its_end(store: MongoStore, url: str, writes: int) -> None:
    await store.commit([turn("a", jobs=(job(1),))])
    version = await store.write(ALICE, MemoryWrite((fact(1),), (triple(1),), (event(1),)))
    await dying(url, writes, lambda mortal: mortal.erase(ALICE))
    await store.erase(ALICE)
    await store.prune(before=after(0))
    assert not any((await rows(store)).values())
    assert await store.write(ALICE, MemoryWrite()) > version


async def test_what_is_written_too_late_for_a_life_is_removed(store: MongoStore, url: str) -> None:
    """As by one that was held up between reading the entity and writing."""
    await store.commit([turn("a")])
    (life,) = await store._db.some("entity", {})
    await store.erase(ALICE)
    await store._db.add("fact", [{"_id": f"{life['o']}:fact-1", "o": life["o"], "v": 1, "text": "tea"}])
    await store.prune(before=after(0))
    assert not any((await rows(store)).values())


async def test_a_block_that_comes_while_something_is_being_forgotten_is_not_kept(store: MongoStore, url: str) -> None:
    """Decided, and its writer dead: the fact still stands where it stood."""
    seen = await store.write(ALICE, MemoryWrite((fact(1), fact(2))))
    change = MemoryWrite((fact(1, state=FactState.FORGOTTEN, text=""),), struck=("- tea",))
    assert await dying(url, 2, lambda mortal: mortal.write(ALICE, change))
    (stored,) = await store._db.some("fact", {"id": "fact-1"})
    assert stored["state"] == "current"

    class Late(Database):
        """Reads the entity as it was before the change was decided."""

        stale = True

        async def some(self, collection: str, query: Any, **how: Any) -> list[Any]:
            found = await super().some(collection, query, **how)
            if collection == "entity" and self.stale:
                self.stale = False
                return [{**one, "version": seen, "told": 0, "pending": None} for one in found]
            return found

    late = MongoStore(url=url)
    late._db = Late(url=url)
    async with late:
        late._db.stale = True
        await late.commit([turn("u", injection=entry("u", "- tea"), seen=seen)])
    (kept,) = await store._db.some("turn", {})
    assert (kept["entry"]["block"], kept["entry"]["facts"]) == ("", [])
