"""The index in PostgreSQL keeps the promises of an index; what it finds is an entity's own, near or exactly nearest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

import memproxy_pgvector.index
from memproxy.domain import Changes, Scope
from memproxy.ports import Vector
from memproxy.testing.index_contract import ALICE, IndexContract, fact
from memproxy_pgvector import PgvectorIndex
from tests.adapters.vectors import BOB, CAROL, Settled, home, opened, sql
from tests.servers.postgres import Postgres


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> str:
    return postgres.database()


class TestExact(IndexContract):
    @pytest.fixture
    async def index(self, url: str, tmp_path: Path) -> AsyncIterator[PgvectorIndex]:
        await home(url, tmp_path)
        async with opened(url) as index:
            yield index


class TestGraph(IndexContract):
    """Every entity has a graph, and every search goes by it."""

    @pytest.fixture
    async def index(self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PgvectorIndex]:
        monkeypatch.setattr(memproxy_pgvector.index, "PER_HIT", 0)
        await home(url, tmp_path)
        async with Settled.of(url, graph_above=0) as index:
            yield index


def clustered(count: int, seed: int) -> Vector:
    """Unit vectors around a few centres, as those of texts are."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((40, 64))
    vectors = centres[random.integers(0, 40, count)] + 0.7 * random.standard_normal((count, 64))
    rounded: Vector = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f2").astype(np.float32)
    return rounded


ROWS = {ALICE: clustered(5_000, 1), BOB: clustered(400, 2), CAROL: clustered(30, 3)}
QUESTIONS = clustered(20, 7)


@pytest.fixture
async def crowd(url: str, tmp_path: Path) -> AsyncIterator[Settled]:
    """A large entity with a graph, and smaller ones in the same table."""
    await home(url, tmp_path)
    async with Settled.of(url, graph_above=1_000, dimensions=64) as index:
        for scope, vectors in ROWS.items():
            facts = tuple(fact(number, vector) for number, vector in enumerate(vectors, 1))
            await index.apply(scope, Changes(1, facts), since=0)
        yield index


async def found(index: PgvectorIndex, scope: Scope) -> float:
    """The share of the 40 nearest that a search for 40 finds; it finds no less than there are."""
    vectors, count, shared = ROWS[scope], min(40, len(ROWS[scope])), 0
    for question in QUESTIONS:
        numbers = [number for number, _ in await index.search(scope, question, limit=40)]
        assert len(set(numbers)) == len(numbers) == count
        nearest = np.argsort(-(vectors @ question))[:40] + 1
        shared += len(set(numbers) & set(nearest.tolist()))
    return shared / len(QUESTIONS) / count


async def test_a_large_entity_is_searched_by_its_graph_and_all_others_exactly(crowd: Settled) -> None:
    for scope, limit, graph in ((ALICE, 40, True), (ALICE, 500, False), (BOB, 40, False), (CAROL, 40, False)):
        plan = await crowd.plan(scope, QUESTIONS[0], limit)
        assert ("vector_graph_" in plan) is graph
        assert "Seq Scan" not in plan
    # What is found is right, and no less than there is.
    assert await found(crowd, ALICE) > 0.97
    assert await found(crowd, BOB) > 0.995  # but for what half-precision ties
    assert await found(crowd, CAROL) == 1
    # Also past what a graph looks at in one go.
    fed = crowd._known[ALICE.tenant, ALICE.entity]
    rows = await crowd._pool.run(lambda conn: conn.fetch(crowd._by_graph, fed.id, QUESTIONS[0].tolist(), 3_900))
    assert len(rows) == 3_900


async def test_an_erased_entity_leaves_no_row_and_soon_no_graph(crowd: Settled, url: str) -> None:
    graphs = "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'vector_row'::regclass AND NOT indisprimary"
    assert len(await sql(url, graphs)) == 1
    await sql(url, "DELETE FROM entity WHERE tenant_id = 'acme' AND id = 'alice'")
    rows = "SELECT tenant_id, entity_id, count(*) FROM vector_row JOIN vector_feed ON feed = id GROUP BY 1, 2"
    left = await sql(url, rows)
    assert sorted(left) == [("acme", "bob", 400), ("globex", "alice", 30)]
    async with Settled.of(url, graph_above=1_000, dimensions=64) as restarted:
        await restarted.settle()
        assert await sql(url, graphs) == []


async def test_a_vector_that_is_none_keeps_no_other_out(url: str, tmp_path: Path) -> None:
    await home(url, tmp_path)
    broken = np.full(16, np.inf, np.float32)
    async with opened(url) as index:
        await index.apply(ALICE, Changes(1, (fact(1, broken), fact(2, np.eye(16, dtype=np.float32)[0]))), since=0)
        assert [number for number, _ in await index.search(ALICE, np.eye(16, dtype=np.float32)[0], limit=9)] == [2]
