"""Whoever dies between two writes leaves nothing half done: the next to come finds all of it, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memproxy.domain import Fact, FactState, Kept, MemoryWrite, Session
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

    async def raise_to(self, collection: str, documents: Sequence[Any], *, fields: Sequence[str]) -> None:
        if documents:
            self._live()
        await super().raise_to(collection, documents, fields=fields)

    async def change(self, collection: str, query: Any, update: Any, *, new: bool = False) -> bool:
        self._live()
        return await super().change(collection, query, update, new=new)

    async def change_all(self, collection: str, query: Any, update: Any) -> None:
        self._live()
        await super().change_all(collection, query, update)

    async def take(self, collection: str, query: Any, update: Any, *, order: Any = None) -> Any:
        self._live()
        return await super().take(collection, query, update, order=order)

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


@pytest.mark.parametrize("writes", range(4))
async def test_a_turn_is_stored_once_with_its_jobs(store: MongoStore, url: str, writes: int, tmp_path: Path) -> None:
    said = turn("a", "b", injection=entry("a", "block", tokens=7), jobs=(job(1),), at=after(1))
    died = await dying(url, writes, lambda mortal: mortal.commit([said]))
    assert died == (writes < 2), "an entity and a turn are all that a commit writes"
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


@pytest.mark.parametrize("writes", range(8))
async def test_what_follows_from_turns_is_made_whoever_dies_of_it(store: MongoStore, url: str, writes: int) -> None:
    said = [turn("a", at=after(1), jobs=(job(1),)), turn("b", session="s2", at=after(2)), turn("c", at=after(3))]

    async def commit_and_claim(mortal: MongoStore) -> None:
        await mortal.commit(said)
        await claim(mortal, at=after(4))

    died = await dying(url, writes, commit_and_claim)
    assert died == (writes < 7)
    await store.commit(said)
    page = await store.sessions(ALICE, cursor=None, limit=9)
    assert [(one.id, one.messages, one.last_at) for one in page.items] == [("s2", 1, after(2)), ("s1", 2, after(3))]
    jobs = await store.jobs("acme", entity=None, states=[], cursor=None, limit=9)
    assert [one.id for one in jobs.items] == ["job-1"]
    await store.claim(worker="w2", limit=9, lease=60, now=after(999))
    assert await store._db.count("turn", {"open": True}) == 0


@pytest.mark.parametrize("writes", range(3))
async def test_a_session_goes_on_after_a_turn_whose_writer_died(store: MongoStore, url: str, writes: int) -> None:
    await store.commit([turn("a", at=after(1))])
    await dying(url, writes, lambda mortal: mortal.commit([turn("b", at=after(2), jobs=(job(1),))]))
    await store.commit([turn("b", "c", at=after(3))])
    page = await store.messages(ALICE, "s1", cursor=None, limit=9)
    assert ([m.text for m in page.items], page.total) == (["a", "b", "c"], 3)


async def test_another_replica_sees_a_turn_at_once(store: MongoStore, url: str, tmp_path: Path) -> None:
    """Nothing has been made yet of what follows from it."""
    async with open_store(url=url, data_dir=tmp_path) as other:
        await store.commit([turn("a", at=after(1))])
        assert await other._db.count("session", {}) == 0
        assert (await look(other, "a")).session == "s1"
        await other.commit([turn("a", "b", at=after(2)), turn("a", session="s2", at=after(3))])
        assert (await look(store, "a")).session == "s2", "in s1 something follows it"
        page = await store.messages(ALICE, "s1", cursor=None, limit=9)
        assert ([m.text for m in page.items], page.total) == (["a", "b"], 2)
        assert [one.messages for one in (await store.sessions(ALICE, cursor=None, limit=9)).items] == [1, 2]
        await other.commit([turn("c", session="s2", at=after(4))])
        entity = await store.entity(ALICE)
        assert entity is not None
        assert (entity.sessions, entity.messages, entity.last_at) == (2, 4, after(4))
        await store.commit([turn("d", session="s2", at=after(5))])
        assert (await other.export(ALICE, cursor=None, limit=99)).total == 7


async def test_two_replicas_that_take_turns_keep_one_order(store: MongoStore, url: str, tmp_path: Path) -> None:
    async with open_store(url=url, data_dir=tmp_path) as other:
        said = [str(number) for number in range(12)]
        for number, text in enumerate(said):
            writer = (store, other)[number % 2]
            assert [c.added for c in await writer.commit([turn(*said[:number], text, at=after(number))])] == [1]
        await asyncio.gather(*(each.commit([turn("x", "y", at=after(20))]) for each in (store, other, store, other)))
        page = await store.messages(ALICE, "s1", cursor=None, limit=99)
        assert ([m.text for m in page.items], page.total) == ([*said, "x", "y"], 14)


async def test_a_session_of_the_first_memproxys_goes_on(store: MongoStore, url: str, tmp_path: Path) -> None:
    """Its turns do not say which one follows."""
    await store.commit([turn("a", at=after(1))])
    await store._db.change_all("turn", {}, {"$unset": {"next": ""}})
    async with open_store(url=url, data_dir=tmp_path) as one, open_store(url=url, data_dir=tmp_path) as other:
        await asyncio.gather(one.commit([turn("a", "b", at=after(2))]), other.commit([turn("b", at=after(3))]))
        await one.commit([turn("c", at=after(4))])
        page = await other.messages(ALICE, "s1", cursor=None, limit=9)
        assert ([m.text for m in page.items], page.total) == (["a", "b", "c"], 3)


async def test_a_turn_is_not_written_into_a_life_that_another_replica_ended(
    store: MongoStore, url: str, tmp_path: Path
) -> None:
    """Though this one knows the entity, and that its session holds the message."""
    said = turn("a", jobs=(job(1),))
    await store.commit([said])
    async with open_store(url=url, data_dir=tmp_path) as other:
        await other.erase(ALICE)
        assert (await look(store, "a")).held == frozenset()
        await store.commit([said])
        await other.erase(ALICE)
        assert [c.added for c in await store.commit([said, turn("b")])] == [1, 1]
        page = await other.messages(ALICE, "s1", cursor=None, limit=9)
        assert ([m.text for m in page.items], page.total) == (["a", "b"], 2)
        assert len(await claim(store)) == 1


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


ARCHIVE = [
    Kept(Session("s1", "chat", 3, after(0), after(3))),
    Kept(Session("s2", None, 1, after(4), after(4))),
    *(Kept(message(text, at=after(n)), "s1", n == 1) for n, text in enumerate("abc")),
    Kept(message("d", at=after(4)), "s2"),
    *(Kept(entry(anchor, f"- {anchor}", tokens=5, at=after(5)), "s1") for anchor in "ab"),
    *(Kept(fact(n, number=n)) for n in (1, 2)),
    Kept(triple(1)),
    Kept(event(1)),
]


@pytest.mark.parametrize("writes", range(11))
async def test_an_import_that_broke_off_is_completed_by_another(store: MongoStore, url: str, writes: int) -> None:
    died = await dying(url, writes, lambda mortal: mortal.restore(ALICE, ARCHIVE))
    assert died == (writes < 10)
    await store.restore(ALICE, ARCHIVE)
    assert await store.restore(ALICE, ARCHIVE) == 0
    page = await store.export(ALICE, cursor=None, limit=99)
    told = [
        replace(kept, row=replace(kept.row, version=0)) if isinstance(kept.row, Fact) else kept for kept in page.items
    ]
    assert (told, page.total) == (ARCHIVE, len(ARCHIVE))


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
