"""The `Index`: entities held in memory while they are used, let go by bytes, large ones kept on disk too.

    apply ──► exact ──past `graph_above`──► graph ──► snapshot
                ▲                             │           │
                └── fed anew (version 0) ◄─ let go ─► loaded on next use

What is let go without a snapshot answers version 0, and the core feeds it anew from the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from memproxy.domain import Changes, Scope
from memproxy.errors import ConfigError
from memproxy.ports import Vector
from memproxy_hnsw.change import Change, read
from memproxy_hnsw.entity import Entity
from memproxy_hnsw.exact import Exact
from memproxy_hnsw.graph import Graph
from memproxy_hnsw.snapshots import Key, Snapshots, Whose, name_of
from memproxy_hnsw.workers import Workers

log = logging.getLogger(__name__)

GRAPH_ABOVE = 20_000
"""Vectors up to which all are compared: 0.8 ms, where a graph would answer no sooner and not exactly."""
MEMORY_LIMIT = 512 * 2**20
"""Bytes of vectors held: 220 000 of 384 dimensions."""
_SAVE_AFTER = 0.1
"""Share of a graph that may change before it is written again: what a snapshot lacks is fed from the store."""
_SAVE_LAST = 0.01
"""The same where it leaves memory."""
_LET_GO_AT_ONCE = 64
"""Entities looked at to make room: a bound on the time it takes; the next change goes on."""
_READ_INLINE = 500
"""Facts whose embeddings are read in under a millisecond."""


def open_index(*, data_dir: Path, dimensions: int, model: str | None = None, **options: object) -> HnswIndex:
    """An index for vectors of `model`; None takes vectors of any.

    Options: `memory_limit` (bytes of vectors held at once), `graph_above` (vectors up to which search is exact)."""
    known = {name: value for name in ("memory_limit", "graph_above") if isinstance(value := options.get(name), int)}
    return HnswIndex(folder=data_dir / "vectors", dimensions=dimensions, model=model, **known)


class HnswIndex:
    """Facts whose embedding is of another model, or of another length, are left out."""

    _workers: Workers

    def __init__(
        self,
        *,
        folder: Path,
        dimensions: int,
        model: str | None = None,
        memory_limit: int = MEMORY_LIMIT,
        graph_above: int = GRAPH_ABOVE,
    ) -> None:
        self._folder, self._dimensions, self._model = folder, dimensions, model
        self._memory_limit, self._graph_above = memory_limit, graph_above
        self._snapshots = Snapshots(folder=folder, dimensions=dimensions, model=model)
        self._on_disk: dict[str, Whose] = {}
        self._held: OrderedDict[Key, Entity] = OrderedDict()
        self._bytes: dict[Key, int] = {}
        self._total = 0
        self._loading: dict[Key, asyncio.Future[Entity | None]] = {}
        self._filling: dict[Key, Entity] = {}

    async def __aenter__(self) -> Self:
        self._workers = Workers()
        try:
            self._on_disk = await self._workers.urgent(self._snapshots.open)
        except OSError as error:
            await self._workers.close()
            raise ConfigError(f"cannot write to {self._folder}: {error.strerror}", param="DATA_DIR") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for key, entity in self._held.items():
            self._save(key, entity, after=_SAVE_LAST)
        await self._workers.close()
        self._held.clear()

    async def version(self, scope: Scope) -> int:
        entity = await self._find((scope.tenant, scope.entity))
        return entity.version if entity else 0

    async def search(self, scope: Scope, vector: Vector, *, limit: int) -> Sequence[tuple[int, float]]:
        entity = await self._find((scope.tenant, scope.entity))
        return await entity.search(vector, limit) if entity else []

    async def apply(self, scope: Scope, changes: Changes, *, since: int) -> None:
        key = scope.tenant, scope.entity
        change = await self._read(changes)
        if since:
            entity = await self._find(key)
        else:  # filled aside; takes its place in `_changed`, even where the caller has given up by then
            entity = self._filling[key] = self._entity(key, Exact(self._dimensions), born=changes.born)
        if entity is not None and entity.born == changes.born:
            await entity.apply(change, changes.version, since=since)

    async def drop(self, scope: Scope) -> None:
        key = scope.tenant, scope.entity
        self._loading.pop(key, None)
        self._filling.pop(key, None)
        self._let_go(key)
        self._drop_snapshot(key)
        # At once as well: the patient thread may be busy for long, and erased must be erased.
        await self._workers.urgent(lambda: self._snapshots.drop(key))

    def kept(self) -> Mapping[Scope, int]:
        held = {Scope(*key): entity.born for key, entity in self._held.items()}
        return {Scope(*whose.key): whose.born for whose in self._on_disk.values()} | held

    async def _read(self, changes: Changes) -> Change:
        def work() -> Change:
            return read(changes.facts, dimensions=self._dimensions, model=self._model)

        return work() if len(changes.facts) <= _READ_INLINE else await self._workers.urgent(work)

    async def _find(self, key: Key) -> Entity | None:
        """The entity, from memory or from its snapshot."""
        if entity := self._held.get(key):
            self._held.move_to_end(key)
            return entity
        if not self._snapshots.there(key):  # written by this process or by another
            return None
        if key not in self._loading:
            self._loading[key] = loading = self._workers.urgent(lambda: self._load(key))
            loading.add_done_callback(lambda done: self._loaded(key, done))
        return await asyncio.shield(self._loading[key])

    def _load(self, key: Key) -> Entity | None:
        loaded = self._snapshots.load(key)
        return self._entity(key, *loaded) if loaded else None

    def _loaded(self, key: Key, done: asyncio.Future[Entity | None]) -> None:
        if self._loading.get(key) is not done:
            return
        del self._loading[key]
        if (entity := done.result()) is None:
            self._on_disk.pop(name_of(key), None)
        elif key not in self._held:
            self._held[key] = entity
            self._on_disk[name_of(key)] = Whose(key, entity.born)
            self._changed(key, entity)

    def _entity(self, key: Key, vectors: Exact | Graph, version: int = 0, born: int = 0) -> Entity:
        return Entity(
            vectors,
            version=version,
            born=born,
            workers=self._workers,
            graph_above=self._graph_above,
            changed=lambda entity: self._changed(key, entity),
        )

    def _changed(self, key: Key, entity: Entity) -> None:
        if self._filling.get(key) is entity:
            del self._filling[key]
            self._held[key] = entity
            self._drop_snapshot(key)
        if self._held.get(key) is not entity:
            return
        self._held.move_to_end(key)
        self._count(key, entity.vectors.size)
        self._save(key, entity, after=_SAVE_AFTER)
        self._make_room()

    def _count(self, key: Key, size: int) -> None:
        self._total += size - self._bytes.pop(key, 0)
        if size:
            self._bytes[key] = size

    def _make_room(self) -> None:
        """Let go of the longest unused, but never of the one just used, nor of one that is at work."""
        for key, entity in list(islice(self._held.items(), min(len(self._held) - 1, _LET_GO_AT_ONCE))):
            if self._total <= self._memory_limit:
                return
            self._save(key, entity, after=_SAVE_LAST)
            if not entity.busy:  # one that is being saved goes in a while
                self._let_go(key)

    def _let_go(self, key: Key) -> None:
        if self._held.pop(key, None):
            self._count(key, 0)

    def _save(self, key: Key, entity: Entity, *, after: float) -> None:
        """Write a graph to disk, in a while, where more than that share of it changed. An exact index never is: it is
        fed anew from the store as soon as it would be read."""
        graph, version, whose = entity.vectors, entity.version, Whose(key, entity.born)
        if entity.busy or not isinstance(graph, Graph) or entity.unsaved <= after * len(graph):
            return
        entity.unsaved, entity.saving = 0, True
        work = self._workers.patient(
            lambda: self._snapshots.save(whose, graph, version, lambda: self._held.get(key) is entity)
        )
        work.add_done_callback(lambda done: self._saved(whose, entity, done))

    def _saved(self, whose: Whose, entity: Entity, done: asyncio.Future[None]) -> None:
        entity.saving = False
        if error := done.exception():
            log.warning("cannot write the snapshot %s: %s", name_of(whose.key), error)
        elif self._held.get(whose.key) is entity:
            self._on_disk[name_of(whose.key)] = whose
        self._make_room()

    def _drop_snapshot(self, key: Key) -> None:
        self._on_disk.pop(name_of(key), None)
        self._workers.patient(lambda: self._snapshots.drop(key))
