"""The job that turns a session's new messages into facts, page by page.

    messages ─► episodes ┐
             └► claims ──┴► vectors ─► reconcile with what is known ─► one write

A page is written in one transaction that also marks its messages, and only if nobody changed the entity's memory since
it was read: a crash, a second worker or an erasure between two steps leaves either the whole page or nothing of it.
The event loop belongs to the chats, so no step holds it for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from memproxy.augment.episodes import episode, pieces
from memproxy.augment.reconcile import Reconciled, attributes, reconcile
from memproxy.domain import Claim, Fact, FactState, Job, MemoryWrite, Message
from memproxy.errors import Conflict, ModelUnavailable
from memproxy.ports import Embedder, Extractor, Memory, Tokenizer, Turns
from memproxy.recall.render import line

PAGE = 32
"""Messages of one write."""
PAGE_TEXT = 64_000
"""Characters of one write, unless a single message has more."""
SLICE = 8
"""Pieces cut or counted before the event loop gets its turn: about a millisecond."""
BATCH = 64
"""Texts embedded in one call."""
TRIES = 5
"""At a page whose entity keeps changing; then the job waits for quieter times."""


class Written(Protocol):
    """Is told of what background work has stored."""

    def facts_written(self, count: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """The handler of `extract` jobs. Raises what its ports raise; a page is then as if it had never been begun."""

    turns: Turns
    memory: Memory
    extractor: Extractor | None
    embedder: Embedder | None
    tokenizer: Tokenizer
    clock: Callable[[], datetime]
    observer: Written | None = None

    async def __call__(self, job: Job, *, last_try: bool) -> None:
        """Augment all that the job's session holds. On the last try facts are stored even without vectors: recall by
        words is better than none."""
        if job.session is None:
            return
        while await self._page(job, job.session, last_try):
            pass

    async def _page(self, job: Job, session: str, last_try: bool) -> bool:
        """Whether there was anything to do."""
        for _ in range(TRIES):
            # The version first: whatever happens after it was read makes the write fail.
            version = (await self.turns.look(job.scope, session=session, keys=(), pairs=())).version
            page = _bounded(await self.turns.unaugmented(job.scope, session, limit=PAGE))
            if not page:
                return False
            change = await self._change(job, session, page, last_try)
            try:
                await self.memory.write(job.scope, replace(change, expected=version))
            except Conflict:
                continue
            if self.observer is not None:
                self.observer.facts_written(len(change.facts))
            return True
        raise Conflict("the entity's memory changed faster than a page could be written")

    async def _change(self, job: Job, session: str, page: Sequence[Message], last_try: bool) -> MemoryWrite:
        kept = await self._episodes(job, session, page)
        claims = await self.extractor.extract(page) if self.extractor is not None else ()
        vectors = await self._vectors([*(fact.text for fact in kept), *(claim.text for claim in claims)], last_try)
        learned = await self._reconciled(job, session, page, claims)
        facts = [self._embedded(fact, vectors) for fact in (*kept, *learned.facts)]
        return MemoryWrite(
            facts=tuple(await self._counted(facts)),
            triples=learned.triples,
            events=learned.events,
            augmented=tuple(message.id for message in page),
        )

    async def _episodes(self, job: Job, session: str, page: Sequence[Message]) -> list[Fact]:
        facts: list[Fact] = []
        for message in page:
            cut = []
            for piece in pieces(message):
                cut.append(piece)
                await _breathe(len(cut))
            places = ((number, len(cut)) for number in range(1, len(cut) + 1))
            facts += [
                episode(message, piece, place, scope=job.scope, session=session)
                for piece, place in zip(cut, places, strict=True)
            ]
            await asyncio.sleep(0)
        return facts

    async def _reconciled(self, job: Job, session: str, page: Sequence[Message], claims: Sequence[Claim]) -> Reconciled:
        if not claims:
            return Reconciled()
        known = await self.memory.about(job.scope, attributes(claims))
        by_id = {message.id: message for message in page}
        return reconcile(known, claims, by_id, scope=job.scope, session=session, now=self.clock())

    async def _vectors(self, texts: Iterable[str], last_try: bool) -> Mapping[str, bytes]:
        if self.embedder is None:
            return {}
        wanted = list(dict.fromkeys(texts))
        vectors: dict[str, bytes] = {}
        try:
            for start in range(0, len(wanted), BATCH):
                batch = wanted[start : start + BATCH]
                rows = (await self.embedder.embed(batch, purpose="passage")).astype("<f2")
                vectors.update(zip(batch, (row.tobytes() for row in rows), strict=True))
        except ModelUnavailable:
            if not last_try:
                raise
        return vectors

    def _embedded(self, fact: Fact, vectors: Mapping[str, bytes]) -> Fact:
        if self.embedder is None or fact.embedding is not None or fact.state is FactState.FORGOTTEN:
            return fact
        vector = vectors.get(fact.text)
        return replace(fact, embedding=vector, model=self.embedder.name if vector is not None else None)

    async def _counted(self, facts: Sequence[Fact]) -> list[Fact]:
        """The cost of each fact's line in a block; also of those that were known, as a line shows validity."""
        counted = []
        for fact in facts:
            counted.append(replace(fact, tokens=self.tokenizer.count(line(fact))))
            await _breathe(len(counted))
        return counted


async def _breathe(done: int) -> None:
    if done % SLICE == 0:
        await asyncio.sleep(0)


def _bounded(messages: Sequence[Message]) -> Sequence[Message]:
    """The first messages that are no more than a page of text; at least one."""
    total = 0
    for number, message in enumerate(messages):
        total += len(message.text)
        if number and total > PAGE_TEXT:
            return messages[:number]
    return messages
