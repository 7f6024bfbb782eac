"""The job that turns a session's new messages into facts, page by page.

    messages ─► pieces ┐
             └► claims ┴► reconcile with what is known ─► less what was forgotten ─► vectors ─► one write

A page is written in one transaction that also marks its messages, and only if nobody changed the entity's memory since
it was read: a crash, a second worker or an erasure between two steps leaves either the whole page or nothing of it.
The event loop belongs to the chats, so no step holds it for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from memproxy.augment.amend import amend
from memproxy.augment.embed import embed_job, embedded
from memproxy.augment.episodes import episode, pieces
from memproxy.augment.reconcile import reconcile, superseders
from memproxy.augment.statements import WORDS, asked
from memproxy.augment.unwanted import Piece, Unwanted
from memproxy.domain import Claim, Fact, FactState, Job, MemoryWrite, Message, Scope
from memproxy.errors import ModelUnavailable
from memproxy.ports import Embedder, Extractor, Jobs, Memory, Tokenizer, Turns
from memproxy.recall.render import line

PAGE = 32
"""Messages of one write."""
PAGE_TEXT = 64_000
"""Characters of one write, unless a single message has more."""
SLICE = 8
"""Pieces cut or counted before the event loop gets its turn: about a millisecond."""


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
    jobs: Jobs | None = None
    """Where facts that had to be stored without vectors are queued to get them."""
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

        async def change() -> MemoryWrite | None:
            page = _bounded(await self.turns.unaugmented(job.scope, session, limit=PAGE))
            return await self._change(job, session, page, last_try) if page else None

        written = await amend(self.memory, job.scope, change)
        if written is None:
            return False
        if self.observer is not None:
            self.observer.facts_written(len(written.facts))
        if self.jobs is not None and self.embedder is not None and any(map(_lacks_vector, written.facts)):
            await self.jobs.enqueue([embed_job(job.scope, self.clock())])
        return True

    async def _change(self, job: Job, session: str, page: Sequence[Message], last_try: bool) -> MemoryWrite:
        claims = await self.extractor.extract(page) if self.extractor is not None else ()
        cut = {message.id: await _cut(message) for message in page}
        known = await self._known(job.scope, claims, [piece.digest for parts in cut.values() for piece in parts])
        by_id = {message.id: message for message in page}
        learned = reconcile(known, claims, by_id, scope=job.scope, session=session, now=self.clock())
        kept = _episodes(page, cut, Unwanted.of(known, learned.refused), scope=job.scope, session=session)
        facts = await self._embedded([*kept, *learned.facts], last_try)
        return MemoryWrite(
            facts=tuple(await self._counted(facts)),
            triples=learned.triples,
            events=learned.events,
            augmented=tuple(message.id for message in page),
        )

    async def _known(self, scope: Scope, claims: Sequence[Claim], digests: Sequence[str]) -> Sequence[Fact]:
        """What the claims are reconciled with, and which words were forgotten or corrected away."""
        wanted = asked(claims)
        words = [(WORDS, digest) for digest in dict.fromkeys(digests)]
        known = await self.memory.about(scope, attributes=wanted.attributes, statements=[*wanted.statements, *words])
        more = superseders(known)
        return [*known, *(await self.memory.fetch(scope, more) if more else ())]

    async def _embedded(self, facts: Sequence[Fact], last_try: bool) -> Sequence[Fact]:
        """The facts with vectors where they lack them; on the last try without, if need be."""
        if self.embedder is None:
            return facts
        try:
            vectors = await embedded(self.embedder, [fact.text for fact in facts if _lacks_vector(fact)])
        except ModelUnavailable:
            if not last_try:
                raise
            return facts
        name = self.embedder.name
        return [
            replace(fact, embedding=vectors[fact.text], model=name) if _lacks_vector(fact) else fact for fact in facts
        ]

    async def _counted(self, facts: Sequence[Fact]) -> list[Fact]:
        """The cost of each fact's line in a block; also of those that were known, as a line shows validity."""
        counted = []
        for fact in facts:
            counted.append(replace(fact, tokens=self.tokenizer.count(line(fact))))
            await _breathe(len(counted))
        return counted


async def _cut(message: Message) -> list[Piece]:
    cut: list[Piece] = []
    for text in pieces(message):
        cut.append(Piece.of(text))
        await _breathe(len(cut))
    await asyncio.sleep(0)
    return cut


def _episodes(
    page: Sequence[Message], cut: Mapping[str, Sequence[Piece]], unwanted: Unwanted, *, scope: Scope, session: str
) -> list[Fact]:
    facts: list[Fact] = []
    for message in page:
        parts = cut[message.id]
        gone = unwanted.among(message, parts)
        facts += [
            episode(message, piece.text, (number + 1, len(parts)), scope=scope, session=session)
            for number, piece in enumerate(parts)
            if number not in gone
        ]
    return facts


def _lacks_vector(fact: Fact) -> bool:
    return fact.embedding is None and fact.state is not FactState.FORGOTTEN


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
