"""What the store asks of the server: how many commands a verb takes, and that an index serves each of them.

The server of the tests makes no plans, so what it is asked is held against the indexes of the schema instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from memproxy.domain import FactState, JobState, MemoryWrite, Scope
from memproxy.testing.store_contract import api_key
from memproxy.testing.store_contract_turns import look
from memproxy.testing.store_samples import ALICE, BOB, after, claim, entry, event, fact, job, key, triple, turn
from memproxy_mongo import MongoStore, open_store
from memproxy_mongo.schema import _INDEXES
from tests.adapters.mongo_server import mongo
from tests.servers.mongo_wire import MongoWire

__all__ = ["mongo"]

SMALL = {"schema", "ended", "api_key", "tenant"}
"""Collections that may be read whole."""


class Heard(CommandListener):
    def __init__(self) -> None:
        self.commands: list[Mapping[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append({"name": event.command_name, **event.command})

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...

    def told(self) -> Counter[str]:
        """Commands since the last time, such as `find entity`."""
        heard, self.commands = self.commands, []
        return Counter(f"{one['name']} {one[one['name']]}" for one in heard)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def store(mongo: MongoWire, heard: Heard, tmp_path: Path) -> AsyncIterator[MongoStore]:
    store = open_store(url=mongo.database(), data_dir=tmp_path)
    store._db._options["event_listeners"] = [heard]
    async with store:
        heard.commands.clear()
        yield store


def asked(command: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The queries of a command."""
    match command["name"]:
        case "find":
            yield command["filter"]
        case "findAndModify":
            yield command["query"]
        case "update" | "delete":
            yield from (one["q"] for one in command[f"{command['name']}s"])
        case "aggregate":
            yield command["pipeline"][0]["$match"]


def branches(query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The query without `$and` and `$or`: each of these is served, or it is not."""
    made = [{name: value for name, value in query.items() if name not in ("$and", "$or")}]
    for part in query.get("$and", ()):
        made = [one | other for one in made for other in branches(part)]
    ways = [other for part in query.get("$or", ()) for other in branches(part)]
    return [one | other for one in made for other in ways] if ways else made


def served(collection: str, query: Mapping[str, Any]) -> bool:
    return "_id" in query or any(
        fields[0][0] in query
        and all(query.get(field) == value for field, value in options.get("partialFilterExpression", {}).items())
        for name, fields, options in _INDEXES
        if name == collection
    )


async def everything(store: MongoStore) -> None:
    """Every verb, with something to find."""
    said = [turn(f"m{n}", session=f"s{n % 3}", injection=entry(f"m{n}", "- tea"), jobs=(job(n),)) for n in range(9)]
    await store.commit(said)
    await store.commit([said[0], turn("b", scope=BOB)])
    for session in (None, "s1"):
        await store.look(ALICE, session=session, keys=[key("m1")], pairs=[key("m1")], ids=["x"])
    await store.messages(ALICE, "s1", cursor=None, limit=1)
    await store.unaugmented(ALICE, "s1", limit=9)
    await store.sessions(ALICE, cursor=None, limit=1)
    await store.write(ALICE, MemoryWrite((fact(1), fact(2)), (triple(1),), (event(1),), ("m1",)))
    forgotten = fact(1, state=FactState.FORGOTTEN, text="")
    await store.write(ALICE, MemoryWrite((forgotten,), untied=("fact-2",), unsaid=("x",), struck=("- tea",)))
    await store.changes(ALICE, since=0)
    await store.about(ALICE, attributes=["home"], statements=[("home", "Rome")])
    await store.fetch(ALICE, ["fact-1"])
    await store.facts(ALICE, states=[FactState.CURRENT], kinds=["episode"], text="f", cursor="9", limit=1)
    await store.history(ALICE, "fact-1")
    await store.entities("acme", cursor=None, limit=1)
    await store.entity(ALICE)
    await store.receipt("acme", "request-1")
    for mine in await claim(store, at=after(1)):
        await store.extend(mine, lease=60, now=after(2))
        await store.settle(mine, now=after(3))
    await claim(store, at=after(4))
    await claim(store, at=after(999))
    await store.depth()
    for entity in (None, "alice"):
        await store.jobs("acme", entity=entity, states=[JobState.DONE], cursor=None, limit=1)
    await store.create_key(api_key(1))
    await store.find_key(api_key(1).id)
    await store.revoke_key(api_key(1).id, now=after(1))
    await store.keys("acme")
    page = await store.export(ALICE, cursor=None, limit=3)
    await store.export(ALICE, cursor=page.next_cursor, limit=99)
    await store.restore(BOB, page.items)
    await store.erase(ALICE)
    await store.prune(before=after(9999))


async def test_an_index_serves_every_command(store: MongoStore, heard: Heard) -> None:
    await everything(store)
    queries = [(one[one["name"]], query) for one in heard.commands for query in asked(one)]
    assert len(queries) > 100
    slow = [(name, query) for name, query in queries if name not in SMALL]
    assert [(name, query) for name, query in slow if not all(served(name, part) for part in branches(query))] == []


async def test_a_group_of_turns_is_one_insert_beside_one_read(store: MongoStore, heard: Heard) -> None:
    people = [Scope("acme", f"p{n}") for n in range(64)]
    await store.commit([turn("a", scope=each) for each in people])
    heard.told()
    for number, text in enumerate("bc"):
        group = [turn(text, scope=each, at=after(number), jobs=(job(number, scope=each),)) for each in people]
        await store.commit(group)
        assert heard.told() == {"insert turn": 1, "find entity": 1}
    await claim(store)
    following = {"insert job": 1, "update session": 1, "update turn": 1}
    assert heard.told().items() >= following.items()


async def test_a_request_in_a_known_session_reads_in_one_go(store: MongoStore, heard: Heard) -> None:
    await store.commit([turn("a", injection=entry("a", "block"))])
    heard.told()
    await look(store, "a", session="s1")
    assert heard.told() == {"find entity": 1, "find turn": 2}
    known = await look(store, "a")
    assert heard.told() == {"find entity": 1, "find turn": 3, "find session": 1}
    await store.changes(ALICE, since=known.version)
    assert heard.told() == {"find entity": 1}


async def test_jobs_of_many_are_claimed_with_one_update_each(store: MongoStore, heard: Heard) -> None:
    await store.enqueue([job(n, scope=Scope("acme", f"p{n}"), at=after(-n)) for n in range(50)])
    await claim(store, limit=1)
    heard.told()
    assert [mine.id for mine in await claim(store, limit=8)] == [f"job-{n}" for n in range(48, 40, -1)]
    assert heard.told() == {"find job": 2, "findAndModify job": 8}
