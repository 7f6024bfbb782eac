"""The job that gives vectors to facts which have none, or one of another model: written while the model was away, or
before it was changed.

The facts are gone through from the newest to the oldest, a page at a time; each page is written on its own, so a job
that ends half-way has done half, and the next try begins where vectors are still missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from memproxy.augment.amend import amend
from memproxy.domain import Fact, FactState, Job, MemoryWrite, Scope
from memproxy.errors import ModelUnavailable
from memproxy.ids import new_id
from memproxy.ports import Embedder, Memory

KIND = "embed"
PAGE = 256
"""Facts looked at in one go."""
BATCH = 64
"""Texts embedded in one call."""


def embed_job(scope: Scope, now: datetime) -> Job:
    return Job(new_id(), KIND, scope, None, now, now)


async def embedded(embedder: Embedder, texts: Sequence[str]) -> dict[str, bytes]:
    """The vectors of the texts, as facts carry them. Raises `ModelUnavailable`."""
    wanted = list(dict.fromkeys(texts))
    vectors: dict[str, bytes] = {}
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        rows = (await embedder.embed(batch, purpose="passage")).astype("<f2")
        vectors.update(zip(batch, (row.tobytes() for row in rows), strict=True))
    return vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """The handler of `embed` jobs."""

    memory: Memory
    embedder: Embedder | None

    async def __call__(self, job: Job, *, last_try: bool) -> None:
        if self.embedder is None:
            raise ModelUnavailable("there is no model to embed with")
        cursor: str | None = None
        while True:
            page = await self.memory.facts(
                job.scope, states=(FactState.CURRENT,), kinds=(), text=None, cursor=cursor, limit=PAGE
            )
            await self._give(job.scope, self.embedder, [fact for fact in page.items if self._lacks(fact)])
            if (cursor := page.next_cursor) is None:
                return

    def _lacks(self, fact: Fact) -> bool:
        assert self.embedder is not None
        return fact.state is FactState.CURRENT and (fact.embedding is None or fact.model != self.embedder.name)

    async def _give(self, scope: Scope, embedder: Embedder, facts: Sequence[Fact]) -> None:
        if not facts:
            return
        vectors = await embedded(embedder, [fact.text for fact in facts])

        async def change() -> MemoryWrite | None:
            # Embedding takes a while, in which a fact may have been forgotten or got other words.
            fresh = await self.memory.fetch(scope, [fact.id for fact in facts])
            given = tuple(
                replace(fact, embedding=vectors[fact.text], model=embedder.name)
                for fact in fresh
                if self._lacks(fact) and fact.text in vectors
            )
            return MemoryWrite(facts=given) if given else None

        await amend(self.memory, scope, change)
