"""Replicas share the vectors in one PostgreSQL: they start, feed, drop and erase at once."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from memproxy.domain import Changes, Fact, FactState, MemoryWrite
from memproxy.errors import StoreUnavailable
from memproxy.recall.library import Library
from memproxy.tasks import Tasks
from memproxy.testing import store_samples
from memproxy.testing.index_contract import ALICE, fact, facts, unit
from memproxy_pgvector import PgvectorIndex
from memproxy_sql import SqlStore, open_store
from tests.adapters.vectors import home, numbers, opened, sql
from tests.servers.postgres import Postgres


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> str:
    return postgres.database()


async def test_replicas_that_start_at_once_make_the_tables_once(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    async with open_store(url=url, data_dir=tmp_path):
        replicas = [opened(url) for _ in range(4)]
        await asyncio.gather(*(replica.__aenter__() for replica in replicas))
        for replica in replicas:
            assert await replica.version(ALICE) == 0
            await replica.__aexit__(None, None, None)


async def test_replicas_that_feed_at_once_come_to_the_newest_state(url: str, tmp_path: Path) -> None:
    """Each version changes, forgets or brings back a fact; replicas are told in any order, from zero or from where
    they stand."""
    await home(url, tmp_path)
    chance, states, state = random.Random(1), [], {}
    for version in range(1, 40):
        number = chance.randint(1, 12)
        kind = chance.choice([FactState.CURRENT, FactState.CURRENT, FactState.FORGOTTEN])
        state[number] = replace(fact(number, unit(100 * version + number), state=kind), version=version)
        states.append(Changes(version, tuple(state.values()), born=1))

    async def follow(index: PgvectorIndex, seed: int) -> None:
        chance = random.Random(seed)
        for changes in states if seed else [*states[::3], states[-1]]:
            since = 0 if chance.random() < 0.3 else await index.version(ALICE)
            await index.apply(ALICE, changes if not since else newer(changes, since), since=since)
            await asyncio.sleep(chance.random() / 500)

    async with opened(url) as one, opened(url) as two, opened(url) as three:
        await asyncio.gather(follow(one, 0), follow(two, 1), follow(three, 2))
        right = {number: held for number, held in state.items() if held.state is FactState.CURRENT}
        for index in (one, two, three):
            assert await index.version(ALICE) == 39
            assert await numbers(index) == sorted(right)
            for number, held in right.items():
                vector = np.frombuffer(held.embedding, "<f2").astype(np.float32)
                assert (await index.search(ALICE, vector, limit=1))[0] == (number, pytest.approx(1, abs=2e-3))


def newer(changes: Changes, since: int) -> Changes:
    return replace(changes, facts=tuple(held for held in changes.facts if held.version > since))


async def test_what_another_replica_fed_is_there_after_a_restart_and_is_not_written_again(
    url: str, tmp_path: Path
) -> None:
    await home(url, tmp_path)
    all_of_it = Changes(7, tuple(replace(held, version=7) for held in facts(*range(1, 50))), born=1)
    async with opened(url) as index:
        await index.apply(ALICE, all_of_it, since=0)
    written = await sql(url, "SELECT xmin::text FROM vector_row ORDER BY number")
    async with opened(url) as restarted:
        assert await restarted.version(ALICE) == 7
        more = replace(fact(50, unit(50)), version=8)
        await restarted.apply(ALICE, Changes(8, (*all_of_it.facts, more), born=1), since=0)
        assert await numbers(restarted) == list(range(1, 51))
    assert (await sql(url, "SELECT xmin::text FROM vector_row ORDER BY number"))[:49] == written


async def test_another_life_and_another_model_start_anew(url: str, tmp_path: Path) -> None:
    await home(url, tmp_path)
    async with opened(url) as index, opened(url, model="another-model") as other:
        await index.apply(ALICE, Changes(5, facts(1, 2), born=1), since=0)
        await index.apply(ALICE, Changes(6, facts(3), born=2), since=0)
        assert await numbers(index) == [3]
        assert await other.version(ALICE) == 0
        await other.apply(ALICE, Changes(6, (fact(4, unit(4), model="another-model"),), born=2), since=0)
        assert await numbers(other) == [4]
        with pytest.raises(StoreUnavailable, match="lost the vectors"):
            await numbers(index)
        assert await index.version(ALICE) == 0


async def test_an_entity_that_was_erased_meanwhile_is_not_fed(url: str, tmp_path: Path) -> None:
    await home(url, tmp_path)
    async with opened(url) as index:
        await index.apply(ALICE, Changes(5, facts(1, 2)), since=0)
        await sql(url, "DELETE FROM entity")
        with pytest.raises(StoreUnavailable):
            await numbers(index)
        for since in (5, 0):
            await index.apply(ALICE, Changes(6, facts(3)), since=since)
            assert await index.version(ALICE) == 0
        assert await sql(url, "SELECT FROM vector_row") == await sql(url, "SELECT FROM vector_feed") == []


async def test_without_a_model_nothing_is_stored_and_what_is_forgotten_goes(url: str, tmp_path: Path) -> None:
    await home(url, tmp_path)
    async with opened(url) as index, opened(url, model=None, dimensions=1) as bare:
        await index.apply(ALICE, Changes(5, facts(1, 2)), since=0)
        gone = fact(2, unit(2), state=FactState.FORGOTTEN)
        await bare.apply(ALICE, Changes(6, (*facts(1, 3), gone)), since=0)
        assert await bare.version(ALICE) == 6
        assert await bare.search(ALICE, unit(1), limit=9) == []
        assert await numbers(index) == [1]


async def remember(store: SqlStore, *known: Fact) -> int:
    return await store.write(ALICE, MemoryWrite(facts=known))


async def test_a_replica_finds_again_what_another_dropped_and_erased(url: str, tmp_path: Path) -> None:
    """Both hold the entity; one forgets a fact, which drops its vectors, and then erases it all."""

    def embedded(text: str) -> Fact:
        return replace(store_samples.fact(text), embedding=unit(len(text)).astype("<f2").tobytes(), model="contract")

    tasks = Tasks()
    async with open_store(url=url, data_dir=tmp_path) as store, opened(url) as one, opened(url) as two:
        ours, theirs = (
            Library(memory=store, index=index, tasks=tasks, model="contract", cache_bytes=10**9) for index in (one, two)
        )
        version = await remember(store, embedded("a"), embedded("ab"))
        for library in (ours, theirs):
            assert len(await library.load(ALICE, version)) == 2
        version = await remember(store, embedded("abc"))
        await theirs.drop(ALICE)
        assert (await ours.load(ALICE, version)).indexed
        assert await numbers(one) == [1, 2, 3]
        await theirs.load(ALICE, version)
        assert await numbers(two) == [1, 2, 3]
        await store.erase(ALICE)
        assert await sql(url, "SELECT FROM vector_row") == []
        version = await remember(store, embedded("abcd"))
        for library, index in ((ours, one), (theirs, two)):
            assert len(await library.load(ALICE, version)) == 1
            assert await numbers(index) == [1]
    await tasks.stop()


async def test_tables_of_an_older_layout_are_thrown_away(url: str, tmp_path: Path) -> None:
    await home(url, tmp_path)
    async with opened(url) as index:
        await index.apply(ALICE, Changes(5, facts(1, 2)), since=0)
    await sql(url, "COMMENT ON TABLE vector_feed IS '0'")
    async with opened(url) as index:
        assert await index.version(ALICE) == 0
        await index.apply(ALICE, Changes(5, facts(1, 2)), since=0)
        assert await numbers(index) == [1, 2]
