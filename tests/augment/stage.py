"""A store with a worker before it, for tests of background work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from memproxy.augment.extract import Extract
from memproxy.augment.local import LocalExtractor
from memproxy.augment.worker import Worker
from memproxy.domain import Fact, FactState, Job, Scope
from memproxy.tasks import Tasks
from memproxy.testing.hash_embedder import HashEmbedder
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, NOON


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


class Words:
    """A tokenizer that counts words."""

    def count(self, text: str) -> int:
        return len(text.split())


class Seen:
    """An observer that keeps what it was told."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, str]] = []
        self.facts = 0

    def job_done(self, kind: str, outcome: str, seconds: float) -> None:
        self.jobs.append((kind, outcome))

    def facts_written(self, count: int) -> None:
        self.facts += count


class Stage:
    """A store, a worker and what it tells."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = Clock()
        self.seen = Seen()
        self.embedder = HashEmbedder(dimensions=16)
        self.tasks = Tasks()

    def worker(self, **options: Any) -> Worker:
        fixed: dict[str, Any] = {
            "jobs": self.store,
            "turns": self.store,
            "memory": self.store,
            "extractor": LocalExtractor(),
            "embedder": self.embedder,
            "tokenizer": Words(),
            "clock": self.clock,
            "name": "w1",
            "tasks": self.tasks,
            "poll": 0.005,
            "observer": self.seen,
        }
        return Worker(**(fixed | options))

    def extract(self, **options: Any) -> Extract:
        fixed: dict[str, Any] = {
            "turns": self.store,
            "memory": self.store,
            "extractor": LocalExtractor(),
            "embedder": self.embedder,
            "tokenizer": Words(),
            "clock": self.clock,
        }
        return Extract(**(fixed | options))

    async def state(self, scope: Scope = ALICE) -> list[Job]:
        return list((await self.store.jobs(scope.tenant, entity=None, states=(), cursor=None, limit=100)).items)

    async def lease_moved(self, before: datetime | None) -> bool:
        return (await self.state())[0].lease_until != before

    async def is_cleared(self) -> bool:
        return not await self.state()

    async def facts(self, scope: Scope = ALICE) -> Sequence[Fact]:
        return (await self.store.changes(scope, since=0)).facts

    async def texts(self, scope: Scope = ALICE) -> list[str]:
        return [fact.text for fact in await self.facts(scope)]

    async def current(self, scope: Scope = ALICE) -> list[str]:
        return sorted(fact.text for fact in await self.facts(scope) if fact.state is FactState.CURRENT)
