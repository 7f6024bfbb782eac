"""An exact `Index` in memory, for tests: the reference that other indexes must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np

from memproxy.domain import Changes, Fact, FactState, Scope
from memproxy.ports import Vector


@dataclass(slots=True)
class _Entity:
    version: int = 0
    born: int = 0
    vectors: dict[int, Vector] = field(default_factory=dict)


class MemoryIndex:
    """Every vector compared with the question. With a `model`, facts embedded by another one are left out.

    `error`, where set, is raised by every verb: an index that is broken."""

    def __init__(self, *, model: str | None = None) -> None:
        self._model = model
        self._entities: dict[tuple[str, str], _Entity] = {}
        self.error: Exception | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entities.clear()

    async def version(self, scope: Scope) -> int:
        return self._entity(scope).version

    async def apply(self, scope: Scope, changes: Changes, *, since: int) -> None:
        held = self._entity(scope)
        entity = held if since else _Entity(born=changes.born)
        if since and (entity.born != changes.born or not since <= entity.version < changes.version):
            return
        for fact in changes.facts:
            self._put(entity, fact)
        entity.version = changes.version
        self._entities[scope.tenant, scope.entity] = entity

    async def search(self, scope: Scope, vector: Vector, *, limit: int) -> Sequence[tuple[int, float]]:
        vectors = self._entity(scope).vectors
        found = [(number, float(held @ vector)) for number, held in vectors.items()]
        return sorted(found, key=lambda hit: -hit[1])[:limit]

    async def drop(self, scope: Scope) -> None:
        self._entity(scope)
        self._entities.pop((scope.tenant, scope.entity), None)

    def _entity(self, scope: Scope) -> _Entity:
        if self.error is not None:
            raise self.error
        return self._entities.get((scope.tenant, scope.entity)) or _Entity()

    def _put(self, entity: _Entity, fact: Fact) -> None:
        entity.vectors.pop(fact.number, None)
        if fact.state is FactState.CURRENT and fact.embedding and self._model in (None, fact.model):
            entity.vectors[fact.number] = np.frombuffer(fact.embedding, "<f2").astype(np.float32)
