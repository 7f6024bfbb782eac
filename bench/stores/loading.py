"""One large memory: what it takes to read it, to recall from it, and to follow what another replica changed in it.

Vectors are by hash, so that the store and the index are measured and no model; everything else is the product's own.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from bench.questions import questions, statements
from bench.report import Line
from bench.stage import Size
from bench.stores.subjects import Subject
from bench.stores.turns import BEGAN, Talk
from memproxy.domain import Fact, MemoryWrite, Scope, Source
from memproxy.ids import new_id
from memproxy.ports import Store
from memproxy.recall.engine import Query, Recall
from memproxy.tasks import Tasks
from memproxy.testing.hash_embedder import HashEmbedder
from memproxy_hnsw.index import open_index

MESSAGES = (10_000, 200)
BATCH = 500
TURNS = (100, 5)
"""Of the session that is looked at: two hundred messages."""
ANA = Scope("acme", "ana", "app")


async def measure(subject: Subject, size: Size) -> list[Line]:
    url = subject.database()
    async with subject.store(url) as store, subject.store(url) as other:
        await remember(store, ANA, size.of(*MESSAGES))
        lines = [await _read(store, size), *await _recalled(store, other, size)]
        return [*lines, await _looked(store, size)]


async def remember(store: Store, scope: Scope, count: int) -> None:
    said = statements(7)
    for start in range(0, count, BATCH):
        facts = await episodes(list(islice(said, min(BATCH, count - start))))
        await store.write(scope, MemoryWrite(facts=facts))


async def episodes(texts: Sequence[str]) -> tuple[Fact, ...]:
    """As extraction keeps what was said, one for each message."""
    model = HashEmbedder()
    vectors = (await model.embed(texts, purpose="passage")).astype(np.float16)
    return tuple(
        Fact(
            new_id(), "episode", text, tokens=20, first_seen=BEGAN, last_seen=BEGAN, embedding=vector.tobytes(),
            model=model.name, sources=(Source(new_id(), "session"),),
        )
        for text, vector in zip(texts, vectors, strict=True)
    )  # fmt: skip


async def _read(store: Store, size: Size) -> Line:
    count = size.of(*MESSAGES)
    spent = [await _ms(lambda: store.changes(ANA, since=0)) for _ in range(size.of(5, 1))]
    return Line(f"reading {count} messages", statistics.median(spent), "ms")


async def _recalled(store: Store, other: Store, size: Size) -> list[Line]:
    asked = questions(3)
    with TemporaryDirectory(prefix="bench-index-") as folder:
        async with Recalling(store, Path(folder)) as recall:
            first = await _ms(lambda: ask(store, recall, ANA, next(asked)))
            loaded = [await _ms(lambda: ask(store, recall, ANA, next(asked))) for _ in range(size.of(100, 5))]
            changed = []
            for text in islice(statements(9), size.of(20, 2)):
                await other.write(ANA, MemoryWrite(facts=await episodes([text])))
                changed.append(await _ms(lambda: ask(store, recall, ANA, next(asked))))
        evicted = []
        for _ in range(size.of(3, 1)):
            async with Recalling(store, Path(folder)) as recall:
                evicted.append(await _ms(lambda: ask(store, recall, ANA, next(asked))))
    return [
        Line("recall, never loaded before", first, "ms"),
        Line("recall, loaded", statistics.median(loaded), "ms"),
        Line("recall, changed by another replica", statistics.median(changed), "ms"),
        Line("recall, evicted", statistics.median(evicted), "ms"),
    ]


class Recalling:
    """Recall whose index keeps its snapshots in the folder; all else it holds is gone when it closes."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._tasks = Tasks()
        self._index = open_index(data_dir=folder, dimensions=HashEmbedder().dimensions, model=HashEmbedder().name)
        self._recall = Recall(memory=store, index=self._index, embedder=HashEmbedder(), tasks=self._tasks)

    async def __aenter__(self) -> Recall:
        await self._index.__aenter__()
        return self._recall

    async def __aexit__(self, *error: object) -> None:
        await self._tasks.stop()
        await self._index.__aexit__(None, None, None)


async def ask(store: Store, recall: Recall, scope: Scope, question: str) -> None:
    """As a request does: the version first, which is the change feed's one read, then recall."""
    known = await store.look(scope, session="session", keys=(), pairs=())
    recalled = await recall.recall(Query(scope, question, version=known.version))
    if recalled.degraded or not recalled.steps:
        raise RuntimeError(f"recall of {scope.entity} went without memory: {recalled.degraded}")


async def _looked(store: Store, size: Size) -> Line:
    """What a request reads before it recalls, in a session of two hundred messages that names itself."""
    talk = Talk(seed=5, people=1)
    await talk.begin(store)
    turns = talk.turns(size.of(*TURNS))
    for turn in turns:
        await store.commit([turn])
    keys = [message.key for turn in turns for message in turn.messages]
    place = turns[-1]

    def look() -> Awaitable[object]:
        return store.look(place.scope, session=place.session, keys=keys, pairs=keys[-1:])

    spent = [await _ms(look) for _ in range(size.of(200, 5))]
    return Line(f"look, session of {len(keys)} messages", statistics.median(spent), "ms")


async def _ms(work: Callable[[], Awaitable[object]]) -> float:
    began = perf_counter()
    await work()
    return 1000 * (perf_counter() - began)
