"""`python -m bench.vectors`: the index in PostgreSQL beside the one in this process, as one entity grows among others.

Vectors lie around a few hundred centres and differ in few directions, as those of texts do; each question asks for the
512 nearest, as recall does. What is near is compared with a search of all. The server is the one of the tests, on this
machine.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.report import Line, table
from memproxy.domain import Changes, Fact, FactState, MemoryWrite, Scope
from memproxy.ports import Index, Vector
from memproxy_hnsw import HnswIndex
from memproxy_hnsw import open_index as open_hnsw
from memproxy_pgvector import PgvectorIndex
from memproxy_pgvector import open_index as open_pgvector
from memproxy_sql import open_store
from tests.servers.postgres import Postgres

DIMENSIONS = 384
TRUE_DIMENSIONS = 48
"""In which they differ, but for some noise."""
NEAREST = 512
MODEL = "bench"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def vectors(count: int, seed: int) -> Vector:
    random, fixed = np.random.default_rng(seed), np.random.default_rng(0)
    directions = fixed.standard_normal((TRUE_DIMENSIONS, DIMENSIONS), dtype=np.float32)
    centres = fixed.standard_normal((300, TRUE_DIMENSIONS), dtype=np.float32)
    drawn = 0.8 * centres[random.integers(0, len(centres), count)]
    drawn += random.standard_normal((count, TRUE_DIMENSIONS), dtype=np.float32)
    spread = drawn @ directions + random.standard_normal((count, DIMENSIONS), dtype=np.float32)
    unit: Vector = spread / np.linalg.norm(spread, axis=1, keepdims=True)
    return unit


def facts(held: Vector) -> tuple[Fact, ...]:
    one = Fact(id="", kind="episode", text="", tokens=1, first_seen=NOON, last_seen=NOON, model=MODEL, version=1)
    return tuple(
        replace(one, id=str(number), number=number, state=FactState.CURRENT, embedding=vector.astype("<f2").tobytes())
        for number, vector in enumerate(held, 1)
    )


@asynccontextmanager
async def hnsw(folder: Path, scopes: list[Scope]) -> AsyncIterator[Index]:
    async with open_hnsw(data_dir=folder, dimensions=DIMENSIONS, model=MODEL, memory_limit=2**32) as index:
        yield index


@asynccontextmanager
async def pgvector(folder: Path, scopes: list[Scope]) -> AsyncIterator[Index]:
    with Postgres() as server:
        url = server.database()
        async with open_store(url=url, data_dir=folder) as store:
            for scope in scopes:
                await store.write(scope, MemoryWrite())
        async with open_pgvector(data_dir=folder, dimensions=DIMENSIONS, model=MODEL, store_url=url) as index:
            yield index


async def drawn(index: Index) -> None:
    """Wait for the graph of a large entity."""
    if isinstance(index, PgvectorIndex) and index._graphs._task is not None:
        await index._graphs._task
    if isinstance(index, HnswIndex):
        while index._workers._running:
            await asyncio.wait(index._workers._running)


async def measure(index: Index, scope: Scope, held: Vector, asked: int) -> list[Line]:
    name, changes = f"{len(held)} vectors", Changes(1, facts(held), born=1)
    started = time.perf_counter()
    await index.apply(scope, changes, since=0)
    lines = [Line(f"fed, {name}", time.perf_counter() - started, "s")]
    await drawn(index)
    lines.append(Line(f"fed and graph drawn, {name}", time.perf_counter() - started, "s"))
    took, shared = [], 0
    for question in vectors(asked, seed=len(held) + 1):
        started = time.perf_counter()
        hits = await index.search(scope, question, limit=NEAREST)
        took.append(1000 * (time.perf_counter() - started))
        nearest = np.argpartition(-(held @ question), NEAREST)[:NEAREST] + 1
        shared += len({number for number, _ in hits} & set(nearest.tolist()))
    lines += [Line(f"search p{share}, {name}", float(np.percentile(took, share)), "ms") for share in (50, 95)]
    return [*lines, Line(f"of the {NEAREST} nearest, {name}", 100 * shared / (asked * NEAREST), "%")]


async def run(opened: Callable[..., AsyncIterator[Index]], counts: list[int], asked: int) -> list[Line]:
    lines: list[Line] = []
    scopes = [Scope("bench", f"e{count}") for count in counts]
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder), scopes) as index:
            for scope, count in zip(scopes, counts, strict=True):
                lines += await measure(index, scope, vectors(count, seed=count), asked)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.vectors", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="*", default=[1_000, 10_000, 30_000, 100_000], help="of vectors")
    parser.add_argument("--asked", type=int, default=200, help="questions for each")
    told = parser.parse_args()
    for name, opened in (("pgvector", pgvector), ("hnsw", hnsw)):
        print(f"\n{name}\n{table(asyncio.run(run(opened, told.counts, told.asked)))}", flush=True)


if __name__ == "__main__":
    main()
