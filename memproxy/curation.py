"""What the owner of a memory does to it: add, correct, pin, forget, erase.

    add      a fact of the person's own: it closes what it contradicts, and brings back what was forgotten
    change   other words: the fact keeps its id, and what it said before becomes a row of its own, closed at this moment
    forget   a tombstone stands where the fact was, where the same was said, and where its words are kept as episodes
    erase    everything the store holds, then everything that was made of it in this process

A change is computed from the memory as it is, and written only if nobody was faster. Vectors are made at once where
there is a model, and by a job later where it is away. What is corrected or forgotten goes out of the blocks of all
sessions too; the messages it was said in stay as they are, until the whole entity is erased.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from memproxy.augment.amend import amend
from memproxy.augment.attributes import Told, is_single, read
from memproxy.augment.corrections import as_it_was, event, marks, rewritten
from memproxy.augment.embed import embed_job, embedded
from memproxy.augment.reconcile import Reconciled, author
from memproxy.augment.statements import ENDED, WORDS, asked, buried, normalised
from memproxy.augment.traces import traces
from memproxy.domain import Claim, Entity, Event, Fact, FactState, MemoryWrite, Scope
from memproxy.errors import BadRequest, ModelUnavailable, NotFound
from memproxy.ids import new_id
from memproxy.journal import Journal
from memproxy.ports import Archive, Caching, Embedder, Jobs, Memory, Tokenizer
from memproxy.recall import cached
from memproxy.recall.engine import Recall
from memproxy.recall.render import line


class Unset(Enum):
    """Tells "leave it" from "there is none"."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True)
class NewFact:
    """What a person adds. Without an `attribute` the rules read the text; what they do not know is kept as it is."""

    text: str
    kind: str = "knowledge"
    attribute: str | None = None
    value: str | None = None
    pinned: bool = False
    valid_from: datetime | None = None
    expires_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactChange:
    """What is None, or unset, stays."""

    text: str | None = None
    kind: str | None = None
    pinned: bool | None = None
    valid_from: datetime | Unset | None = UNSET
    expires_at: datetime | Unset | None = UNSET
    metadata: Mapping[str, str] | None = None


async def nobody(scope: Scope) -> None:
    """Where no other process holds anything."""


class Curation:
    """One for all entities. `caches` are those who keep texts for speed; in `journal` turns wait for the store;
    `others` has the other workers of this service let go of an entity."""

    def __init__(
        self,
        *,
        memory: Memory,
        archive: Archive,
        jobs: Jobs,
        recall: Recall,
        caches: Sequence[Caching],
        embedder: Embedder | None,
        tokenizer: Tokenizer,
        clock: Callable[[], datetime],
        journal: Journal | None = None,
        others: Callable[[Scope], Awaitable[None]] = nobody,
    ) -> None:
        self._memory, self._archive, self._jobs, self._recall = memory, archive, jobs, recall
        self._journal, self._others = journal, others
        self._caches, self._embedder, self._tokenizer, self._clock = caches, embedder, tokenizer, clock

    async def add(self, scope: Scope, new: NewFact) -> Fact:
        """Raises `BadRequest` for a text without words and for an attribute that means something else here."""
        _check(new.text, new.kind, new.attribute)
        now = self._clock()
        told = await _told(new)
        vector, model = await self._vector(new.text)
        fact = Fact(
            id=new_id(),
            kind=new.kind,
            text=new.text,
            tokens=0,
            first_seen=now,
            last_seen=now,
            attribute=told.attribute if told else None,
            value=normalised(told.value) if told else None,
            process=scope.process,
            valid_from=new.valid_from,
            expires_at=new.expires_at,
            pinned=new.pinned,
            embedding=vector,
            model=model,
            authored=True,
            metadata=dict(new.metadata),
        )
        created = event(fact.id, "created", "written by the person", None, fact.text, now)

        async def change() -> MemoryWrite:
            learned = await self._authored(scope, fact, now)
            return MemoryWrite(facts=self._counted(learned.facts), events=(created, *learned.events))

        return await self._write(scope, fact.id, change)

    async def change(self, scope: Scope, fact_id: str, change: FactChange) -> Fact:
        """Raises `NotFound`, also for what was forgotten, and `BadRequest` as `add` does."""
        text = change.text
        _check(text, change.kind)
        if text is None:
            return await self._write(scope, fact_id, lambda: self._marked(scope, fact_id, change, self._clock()))
        told = await read(text)
        vector, model = await self._vector(text)

        async def corrected() -> MemoryWrite | None:
            now = self._clock()  # of the try that is written, so that the history is in the order of what was done
            fact = await self._fact(scope, fact_id)
            if text == fact.text and fact.authored and fact.state is FactState.CURRENT:
                return await self._marked(scope, fact_id, change, now)
            made = replace(rewritten(fact, text, told, now), embedding=vector, model=model)
            return await self._corrected(scope, fact, _with(made, change), now)

        return await self._write(scope, fact_id, corrected)

    async def forget(self, scope: Scope, fact_id: str) -> None:
        """Raises `NotFound`, also for what was forgotten already."""
        now = self._clock()

        async def change() -> MemoryWrite:
            gone = await traces(self._memory, scope, await self._fact(scope, fact_id))
            return MemoryWrite(
                facts=tuple(map(buried, gone)),
                events=tuple(event(fact.id, "forgotten", "the person asked", None, None, now) for fact in gone),
                struck=await self._lines(scope, gone),
                unsaid=tuple({text for fact in gone for text in await self._told(scope, fact)}),
            )

        await amend(self._memory, scope, change)
        await self.hold_anew(scope)
        await self._others(scope)

    async def erase(self, scope: Scope) -> Entity:
        """Raises `NotFound` where there is no such entity. What this service holds is let go of in any case."""
        if self._journal is not None:  # first: what it would still bring into the store is then erased with the rest
            await self._journal.forget(scope)
        try:
            erased = await self._archive.erase(scope)
        finally:
            await self._recall.drop(scope)
            self.let_go()
            await self._others(scope)
        if erased is None:
            raise NotFound("There is no such entity.")
        return erased

    async def hold_anew(self, scope: Scope) -> None:
        """What is gone from the store leaves this process and the snapshots on its disk with all the rest, which begins
        to be loaded again where it was in use: an index only ever marks a vector as gone."""
        held = self._recall.library.peek(scope) is not None
        await self._recall.drop(scope)
        self.let_go()
        if held:
            self._recall.library.prepare(scope)

    def let_go(self) -> None:
        """Empty every cache of what was made of people's words."""
        cached.let_go()
        for cache in self._caches:
            cache.let_go()

    async def _fact(self, scope: Scope, fact_id: str) -> Fact:
        found = await self._memory.fetch(scope, [fact_id])
        if not found or found[0].state is FactState.FORGOTTEN:
            raise NotFound("There is no such fact.")
        return found[0]

    async def _write(self, scope: Scope, fact_id: str, change: Callable[[], Awaitable[MemoryWrite | None]]) -> Fact:
        """The fact as it is stored then."""
        written = await amend(self._memory, scope, change)
        if written and self._embedder is not None and any(_lacks_vector(fact) for fact in written.facts):
            await self._jobs.enqueue([embed_job(scope, self._clock())])
        return await self._fact(scope, fact_id)

    async def _authored(self, scope: Scope, fact: Fact, now: datetime) -> Reconciled:
        """The person's fact with what it closes."""
        if fact.attribute is None:
            return Reconciled((fact,))
        attribute = fact.attribute.removeprefix(ENDED)
        claim = Claim(
            kind=fact.kind,
            attribute=attribute,
            value=fact.value or "",
            text=fact.text,
            message_id="",
            single=await asyncio.to_thread(is_single, attribute),
            ended=fact.attribute.startswith(ENDED),
            valid_from=fact.valid_from,
        )
        wanted = asked([claim])
        known = await self._memory.about(scope, attributes=wanted.attributes, statements=wanted.statements)
        return author([other for other in known if other.id != fact.id], fact, claim, now=now)

    async def _corrected(self, scope: Scope, fact: Fact, made: Fact, now: datetime) -> MemoryWrite:
        """The fact in its new words; the old ones in a row of their own, unless they are the same."""
        learned = await self._authored(scope, made, now)
        more = marks(fact, made, now)
        if made.text == fact.text:
            said = event(fact.id, "corrected", "confirmed by the person", None, None, now)
            return MemoryWrite(facts=self._counted(learned.facts), events=(said, *more, *learned.events))
        kept = as_it_was(fact, now)
        events = (
            # The event has the id of the row that keeps the old words: so they are found when the fact is forgotten.
            Event(kept.id, fact.id, "corrected", "corrected by the person", fact.text, made.text, now),
            event(kept.id, "superseded", "corrected by the person", fact.text, None, now),
        )
        return MemoryWrite(
            facts=self._counted((*learned.facts, kept)),
            events=(*events, *more, *learned.events),
            untied=(fact.id,),
            struck=await self._lines(scope, [fact]),
        )

    async def _marked(self, scope: Scope, fact_id: str, change: FactChange, now: datetime) -> MemoryWrite | None:
        """The change without its text."""
        fact = await self._fact(scope, fact_id)
        made = _with(fact, change)
        return MemoryWrite(facts=self._counted([made]), events=marks(fact, made, now)) if made != fact else None

    async def _lines(self, scope: Scope, facts: Sequence[Fact]) -> tuple[str, ...]:
        """What blocks may show of the facts: what they say, and whatever they said before."""
        shown: list[str] = []
        for fact in facts:
            shown += [line(replace(fact, text=text)) for text in await self._told(scope, fact)]
        return tuple(dict.fromkeys(shown))

    async def _told(self, scope: Scope, fact: Fact) -> list[str]:
        """What the fact says, and whatever its own history has it say before."""
        history = await self._memory.history(scope, fact.id) if fact.kind != "episode" else ()
        told = (text for event in history for text in (event.before, event.after))
        return [text for text in (fact.text, *told) if text]

    async def _vector(self, text: str) -> tuple[bytes | None, str | None]:
        """With the name of the model; nothing where there is none, or where a job has to make up for it."""
        if self._embedder is None:
            return None, None
        try:
            return (await embedded(self._embedder, [text]))[text], self._embedder.name
        except ModelUnavailable:
            return None, None

    def _counted(self, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        return tuple(replace(fact, tokens=self._tokenizer.count(line(fact))) for fact in facts)


def _check(text: str | None, kind: str | None, attribute: str | None = None) -> None:
    if text is not None and not normalised(text):
        raise BadRequest("text: a fact needs words", param="text")
    if kind == "episode":
        raise BadRequest("kind: episodes are what was said in messages", param="kind")
    if attribute is not None and (not attribute.strip() or attribute.startswith((ENDED, WORDS))):
        raise BadRequest(f"attribute: must not be empty or begin with {ENDED} or {WORDS}", param="attribute")


async def _told(new: NewFact) -> Told | None:
    """What the new fact states: as the person says, else as the rules read it."""
    if new.attribute is None:
        return await read(new.text)
    return Told(new.attribute.strip().lower(), new.value or new.text)


def _with(fact: Fact, change: FactChange) -> Fact:
    """The fact with all of the change but its text."""
    return replace(
        fact,
        kind=change.kind if change.kind is not None else fact.kind,
        pinned=change.pinned if change.pinned is not None else fact.pinned,
        valid_from=fact.valid_from if change.valid_from is UNSET else change.valid_from,
        expires_at=fact.expires_at if change.expires_at is UNSET else change.expires_at,
        metadata=dict(change.metadata) if change.metadata is not None else fact.metadata,
    )


def _lacks_vector(fact: Fact) -> bool:
    return fact.state is FactState.CURRENT and fact.embedding is None
