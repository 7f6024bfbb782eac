"""What every store promises of `Memory`, as tests: facts, versions and the change feed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from memproxy.domain import Changes, Event, Fact, FactState, MemoryWrite, Scope, Source, Triple
from memproxy.errors import Conflict
from memproxy.ports import Store
from memproxy.testing.store_samples import ALICE, BOB, NOON, STRANGER, after, fact, message, turn


async def facts(store: Store, *, scope: Scope = ALICE, since: int = 0) -> Sequence[Fact]:
    return (await store.changes(scope, since=since)).facts


async def remember(store: Store, *given: Fact, scope: Scope = ALICE) -> int:
    return await store.write(scope, MemoryWrite(facts=given))


class MemoryContract:
    async def test_an_unknown_entity_has_no_memory(self, store: Store) -> None:
        assert await store.changes(ALICE, since=0) == Changes(0)
        assert list(await store.about(ALICE, attributes=["home"], statements=[])) == []

    async def test_a_fact_comes_back_as_it_was_written(self, store: Store) -> None:
        full = fact(
            1, kind="profile", embedding=bytes(range(32)), model="m", attribute="home", value="berlin", speaker="Al",
            role="assistant", process="chat", mentions=3, valid_from=after(-1), valid_to=after(1.000001),
            superseded_by="fact-2", state=FactState.SUPERSEDED, confidence=0.25, expires_at=after(99), pinned=True,
            authored=True,
            sources=(Source("m1", "s1", "x1"), Source("m2", "s2", "m2")), metadata={"a": "1", "ü": ""},
        )  # fmt: skip
        version = await remember(store, full, fact(2))
        plain = replace(fact(2), number=2, version=version)
        read = await store.changes(ALICE, since=0)
        assert (read.version, read.facts) == (version, (replace(full, number=1, version=version), plain))

    async def test_versions_begin_at_the_milliseconds_since_1970(self, store: Store) -> None:
        before = int(time.time() * 1000)
        await store.commit([turn("a")])
        first = await remember(store, fact(1))
        assert before <= first <= int(time.time() * 1000) + 1

    async def test_every_write_counts_the_version_up_by_one(self, store: Store) -> None:
        first = await remember(store, fact(1))
        versions = [await store.write(ALICE, MemoryWrite()), await remember(store, fact(2), fact(3))]
        assert versions == [first + 1, first + 2]
        assert (await store.look(ALICE, session=None, keys=[], pairs=[])).version == first + 2

    async def test_a_write_of_another_leaves_the_version(self, store: Store) -> None:
        version = await remember(store, fact(1))
        await remember(store, fact(1), scope=BOB)
        await remember(store, fact(1), scope=STRANGER)
        assert (await store.changes(ALICE, since=0)).version == version

    async def test_the_feed_gives_what_was_touched_after_a_version(self, store: Store) -> None:
        first = await remember(store, fact(1), fact(2), fact(3))
        second = await remember(store, fact(4), fact(2, text="changed"))
        assert [(f.number, f.text) for f in await facts(store, since=first)] == [(2, "changed"), (4, "fact 4")]
        nothing = await store.changes(ALICE, since=second)
        assert (nothing.version, nothing.facts) == (second, ())

    async def test_tombstones_and_superseded_facts_are_in_the_feed(self, store: Store) -> None:
        first = await remember(store, fact(1, embedding=b"12"), fact(2))
        gone = fact(1, state=FactState.FORGOTTEN, text="", tokens=0)
        await remember(store, gone, fact(2, state=FactState.SUPERSEDED, superseded_by="fact-3"))
        forgotten, old = await facts(store, since=first)
        assert (forgotten.state, forgotten.text, forgotten.embedding) == (FactState.FORGOTTEN, "", None)
        assert (old.state, old.superseded_by) == (FactState.SUPERSEDED, "fact-3")

    async def test_numbers_rise_and_stay(self, store: Store) -> None:
        await remember(store, fact(9), fact(1))
        await remember(store, fact(1, number=77), fact(5, number=1))
        assert [(f.id, f.number) for f in await facts(store)] == [("fact-9", 1), ("fact-1", 2), ("fact-5", 3)]

    async def test_a_fact_named_twice_in_a_change_is_one(self, store: Store) -> None:
        await remember(store, fact(1), fact(1, text="later"), fact(2))
        assert [(f.number, f.text) for f in await facts(store)] == [(1, "later"), (2, "fact 2")]

    async def test_sources_are_added_and_not_replaced(self, store: Store) -> None:
        first, second = Source("m1", "s1", "x1"), Source("m2", "s1", "m2")
        await remember(store, fact(1, sources=(first,)))
        await remember(store, fact(1, sources=(second, first, Source("m1", "s9", "x9"))))
        await remember(store, fact(1, text="again"))
        (found,) = await facts(store)
        assert found.sources == (first, second)

    async def test_history_and_triples_can_be_written_and_written_again(self, store: Store) -> None:
        event = Event("e1", "fact-1", "created", "said", None, "fact 1", NOON)
        change = MemoryWrite((fact(1),), (Triple("t1", "Alice", "lives in", "Berlin", "fact-1"),), (event,))
        first = await store.write(ALICE, change)
        assert await store.write(ALICE, change) == first + 1
        await store.write(BOB, change)
        await store.write(STRANGER, change)

    async def test_a_change_computed_from_an_older_version_is_refused_whole(self, store: Store) -> None:
        first = await remember(store, fact(1))
        current = await remember(store, fact(2))
        await store.commit([turn("a")])
        stale = MemoryWrite((fact(3),), augmented=(message("a").id,), expected=first)
        with pytest.raises(Conflict):
            await store.write(ALICE, stale)
        assert [f.number for f in await facts(store)] == [1, 2]
        assert [m.text for m in await store.unaugmented(ALICE, "s1", limit=5)] == ["a"]
        assert await store.write(ALICE, replace(stale, expected=current)) == current + 1

    async def test_a_change_to_an_unknown_entity_expects_version_0(self, store: Store) -> None:
        with pytest.raises(Conflict):
            await store.write(ALICE, MemoryWrite(expected=5))
        assert await store.changes(ALICE, since=0) == Changes(0)
        assert await store.write(ALICE, MemoryWrite((fact(1),), expected=0)) > 0

    async def test_of_two_changes_from_one_version_one_wins(self, store: Store) -> None:
        version = await remember(store, fact(1))
        writes = (store.write(ALICE, MemoryWrite((fact(n),), expected=version)) for n in (2, 3))
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert sorted(type(outcome) is Conflict for outcome in outcomes) == [False, True]
        assert len(await facts(store)) == 2

    async def test_unaugmented_messages_come_oldest_first(self, store: Store) -> None:
        await store.commit([turn("a", "b"), turn("x", session="s2"), turn("b", scope=BOB), turn("b", scope=STRANGER)])
        await store.commit([turn("c", "d")])
        await store.write(ALICE, MemoryWrite(augmented=(message("b").id, "unknown")))
        assert [m.text for m in await store.unaugmented(ALICE, "s1", limit=2)] == ["a", "c"]
        await store.write(ALICE, MemoryWrite(augmented=(message("a").id, message("c").id)))
        assert [m.text for m in await store.unaugmented(ALICE, "s1", limit=2)] == ["d"]
        for scope in (BOB, STRANGER):
            assert [m.text for m in await store.unaugmented(scope, "s1", limit=2)] == ["b"]

    async def test_many_messages_are_augmented_in_one_write(self, store: Store) -> None:
        said = [message(f"m{n}") for n in range(2500)]
        await store.commit([turn(*said)])
        await store.write(ALICE, MemoryWrite(augmented=tuple(m.id for m in said[1:])))
        assert await store.unaugmented(ALICE, "s1", limit=5000) == said[:1]

    async def test_typed_facts_are_found_by_attribute_in_every_state(self, store: Store) -> None:
        states = list(FactState)
        typed = [fact(n, attribute="home", value=str(n), state=state, at=after(-n)) for n, state in enumerate(states)]
        await remember(store, *typed, fact(7), fact(8, attribute="name"), fact(9, attribute="likes"))
        await remember(store, fact(1, attribute="home"), scope=BOB)
        await remember(store, fact(1, attribute="home"), scope=STRANGER)
        found = await store.about(ALICE, attributes=["likes", "home", "none"], statements=[])
        assert [f.id for f in found] == ["fact-0", "fact-1", "fact-2", "fact-9"]
        assert list(await store.about(ALICE, attributes=[], statements=[])) == []

    async def test_found_facts_carry_their_sources(self, store: Store) -> None:
        await remember(store, fact(1, attribute="home", sources=(Source("m1", "s1", "m1"),)))
        (found,) = await store.about(ALICE, attributes=["home"], statements=[])
        assert [found] == list(await facts(store))
        assert found.sources == (Source("m1", "s1", "m1"),)

    async def test_a_large_change_arrives_whole(self, store: Store) -> None:
        await remember(store, *(fact(n, sources=(Source(f"m{n}", "s1"),), embedding=bytes(768)) for n in range(1200)))
        found = await facts(store)
        assert [(f.number, f.id, f.sources[0].message_id) for f in found[::400]] == [
            (1, "fact-0", "m0"),
            (401, "fact-400", "m400"),
            (801, "fact-800", "m800"),
        ]
