"""One entity's vectors in memory: exact at first, a graph once they are many.

Lives on the event loop. What takes longer than a millisecond goes to threads; changes come one after another, and the
lock between them is held until the thread is done, even where the caller gave up. A graph is drawn aside, on the
patient thread, from a copy; the changes it misses meanwhile are given to it before it takes over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from memproxy.ports import Vector
from memproxy_hnsw.change import Change
from memproxy_hnsw.exact import Exact
from memproxy_hnsw.graph import Graph
from memproxy_hnsw.workers import Workers

INLINE = 8_000
"""Vectors that are compared in 0.2 ms, about what handing the work to a thread costs."""

_STRIDE = 256
"""Vectors drawn between two looks at whether the service is closing."""


class Entity:
    """`changed` is called after each change and after the graph took over."""

    def __init__(
        self,
        vectors: Exact | Graph,
        *,
        version: int,
        born: int = 0,
        workers: Workers,
        graph_above: int,
        changed: Callable[[Entity], None],
    ) -> None:
        self.vectors = vectors
        self.version = version
        self.born = born
        """Tells one life of the entity from the next."""
        self.unsaved = 0
        """Vectors changed since the last snapshot; only a graph has one."""
        self.saving = False
        self._workers = workers
        self._graph_above = graph_above
        self._changed = changed
        self._lock = asyncio.Lock()
        self._missed: list[Change] | None = None
        self._drawn: Graph | None = None

    @property
    def busy(self) -> bool:
        """Whether something goes on that a thread must finish first."""
        return self.saving or self._lock.locked() or self._missed is not None

    async def search(self, vector: Vector, limit: int) -> list[tuple[int, float]]:
        vectors = self.vectors
        if isinstance(vectors, Exact) and len(vectors) <= INLINE and not vectors.turnstile.busy:
            return vectors.search(vector, limit)
        return await asyncio.shield(self._workers.urgent(lambda: vectors.search(vector, limit)))

    async def apply(self, change: Change, version: int, *, since: int) -> None:
        """Does nothing where the change is older than what is held, or does not connect to it."""
        await self._lock.acquire()
        if not since <= self.version < version:
            self._lock.release()
            return
        vectors = self.vectors
        if vectors.is_quick(change) and not vectors.turnstile.busy:
            vectors.apply(change)
            self._applied(change, version)
            return
        work = self._workers.urgent(lambda: vectors.apply(change))
        work.add_done_callback(lambda done: self._applied(change, version, done.exception()))
        await asyncio.shield(work)

    def _applied(self, change: Change, version: int, error: BaseException | None = None) -> None:
        self._lock.release()
        if error is not None:
            return
        self.version = version
        self.unsaved += change.size
        if self._missed is not None:
            self._missed.append(change)
        elif isinstance(self.vectors, Exact) and len(self.vectors) > self._graph_above:
            self._draw(self.vectors)
        self._take_over()
        self._changed(self)

    def _draw(self, exact: Exact) -> None:
        self._missed = []
        work = self._workers.patient(lambda: _graph_of(exact, self._workers))
        work.add_done_callback(self._drew)

    def _drew(self, done: asyncio.Future[Graph]) -> None:
        if done.exception() is not None:
            self._missed = None  # the next change tries again; until then search stays exact
            return
        self._drawn = done.result()
        self._take_over()

    def _take_over(self) -> None:
        """Swap the graph in, unless it misses something or is about to."""
        if self._drawn is None or self._missed is None or self._lock.locked():
            return
        graph, missed = self._drawn, self._missed
        if missed:
            self._drawn, self._missed = None, []
            self._workers.patient(lambda: _catch_up(graph, missed, self._workers)).add_done_callback(self._drew)
            return
        self.vectors, self._drawn, self._missed = graph, None, None
        self._changed(self)


def _graph_of(exact: Exact, workers: Workers) -> Graph:
    numbers, rows = exact.content()
    starts = range(0, len(numbers), _STRIDE)
    changes = [Change(numbers[i : i + _STRIDE], rows[i : i + _STRIDE], frozenset()) for i in starts]
    return _catch_up(Graph(rows.shape[1]), changes, workers)


def _catch_up(graph: Graph, changes: list[Change], workers: Workers) -> Graph:
    for change in changes:
        workers.check()
        graph.apply(change)
    return graph
