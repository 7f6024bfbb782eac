"""The entities of the in-memory store, and `Archive` over them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from memproxy.domain import Entity, Kept, Page, Receipt, Scope
from memproxy.storable import check_ids
from memproxy.testing.listing import newest_page, placed_page
from memproxy.testing.memory_queue import MemoryQueue
from memproxy.testing.memory_rows import StoredEntity
from memproxy.testing.storable import storable


class MemoryArchive(MemoryQueue):
    """Holds the entities of all tenants. Not a store by itself: see `memory_store.py`."""

    def __init__(self) -> None:
        super().__init__()
        self._entities: dict[tuple[str, str], StoredEntity] = {}
        self._earliest: dict[str, int] = {}
        """By tenant, microseconds: entities are born after this, past every version of those that were erased."""

    async def entities(self, tenant: str, *, cursor: str | None, limit: int) -> Page[Entity]:
        self._reach()
        found = [entity.listed(name) for (owner, name), entity in self._entities.items() if owner == tenant]
        return newest_page(found, cursor, limit)

    async def entity(self, scope: Scope) -> Entity | None:
        self._reach()
        found = self._entities.get((scope.tenant, scope.entity))
        return found.listed(scope.entity) if found else None

    async def erase(self, scope: Scope) -> Entity | None:
        self._reach()
        self._drop_jobs(scope)
        erased = self._entities.pop((scope.tenant, scope.entity), None)
        if erased is None:
            return None
        past = (erased.version + 1) * 1000
        self._earliest[scope.tenant] = max(past, self._earliest.get(scope.tenant, 0))
        return erased.listed(scope.entity)

    async def export(self, scope: Scope, *, cursor: str | None, limit: int) -> Page[Kept]:
        self._reach()
        return placed_page(self._peek(scope).kept(), cursor, limit)

    async def restore(self, scope: Scope, rows: Sequence[Kept]) -> int:
        self._reach()
        check_ids(scope.tenant, scope.entity, scope.process, *(name for kept in rows for name in kept.ids))
        return self._entity(scope).restore(storable(tuple(rows)))

    async def receipt(self, tenant: str, request_id: str) -> Receipt | None:
        self._reach()
        found = [
            Receipt(Scope(tenant, name, session.process), session.id, entry)
            for (owner, name), entity in self._entities.items()
            for session in entity.sessions.values()
            for entry in session.ledger.values()
            if owner == tenant and entry.request_id == request_id
        ]
        return next(iter(sorted(found, key=_given_at)[-1:]), None)

    def _peek(self, scope: Scope) -> StoredEntity:
        return self._entities.get((scope.tenant, scope.entity)) or StoredEntity(born=0, version=0)

    def _entity(self, scope: Scope) -> StoredEntity:
        """An entity's version begins at the milliseconds since 1970."""
        now = max(time.time_ns() // 1000, self._earliest.get(scope.tenant, 0))
        fresh = StoredEntity(born=now, version=now // 1000)
        return self._entities.setdefault((scope.tenant, scope.entity), fresh)


def _given_at(receipt: Receipt) -> float:
    at = receipt.injection.created_at
    return at.timestamp() if at else 0.0
