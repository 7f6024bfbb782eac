"""The entities held in memory: loaded on first use, brought up to date by the change feed, evicted by bytes.

    request ─► load(scope, version) ─► fresh? ─► yes: no store call at all
                                         └► no: one task per entity ─► Memory.changes ─► EntityMemory and Index

    meanwhile ─► keep up ─► one after another: is it still that life, has it changed? ─► load, or drop

A load belongs to nobody who waits for it: recall has a deadline, and a request that gives up neither cancels the load
for others nor loses its work. Large changes are taken in slices, so that the event loop goes on between them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from memproxy.domain import Changes, Fact, FactState, Scope
from memproxy.errors import MemproxyError
from memproxy.ports import Index, Keeping, Memory
from memproxy.recall.entity_memory import EntityMemory
from memproxy.tasks import Tasks

log = logging.getLogger(__name__)

SLICE_CHARACTERS = 16_384
"""Text taken in before the event loop gets its turn: about 2 ms of indexing."""

ROUND = 30.0
"""Seconds in which each entity held is compared with the store once, though nobody asks for it: what another replica
erased or forgot must not stay here."""
AGAIN = 10.0
"""Seconds after which an index that could not follow is tried again, though the memory has not changed."""
READS = 20
"""Comparisons in a second at most; each reads one row. Where more entities are held a round takes longer."""
NOTHING_SINCE = 2**62
"""A version that none reaches: asks only which life of the entity this is."""

Key = tuple[str, str]


class Library:
    """`model` names the embedder whose vectors the index may hold. `on_bare` is told of an entity some of whose facts
    have no vector of that model, once while this process lives; `on_gone` that something held here
    was erased or forgotten."""

    def __init__(
        self,
        *,
        memory: Memory,
        index: Index,
        tasks: Tasks,
        model: str | None,
        cache_bytes: int,
        on_bare: Callable[[Scope], None] = lambda scope: None,
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._memory = memory
        self._on_bare = on_bare
        self._on_gone = on_gone
        self._told_bare: set[Key] = set()
        self._index = index
        self._tasks = tasks
        self._model = model
        self._cache_bytes = cache_bytes
        self._held: OrderedDict[Key, EntityMemory] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[EntityMemory | BaseException]] = {}

    @property
    def bytes(self) -> int:
        return sum(held.bytes for held in self._held.values())

    def peek(self, scope: Scope) -> EntityMemory | None:
        """What is held right now, however old."""
        return self._held.get(_key(scope))

    async def load(self, scope: Scope, version: int | None) -> EntityMemory:
        """The entity's memory, at least as new as `version`; None means as new as the store has it."""
        if version == 0:
            if self.peek(scope) is not None or await self._indexed(scope):
                await self.drop(scope)  # erased, perhaps by another replica
                self._on_gone()
            return EntityMemory()
        if (held := await self._fresh(scope, version)) is not None:
            return held
        if (running := self._loading.get(_key(scope))) is not None:
            await asyncio.wait([running])  # it may have read the store before the version we need
            if version is not None and (held := await self._fresh(scope, version)) is not None:
                return held
        return await self._join(scope)

    async def drop(self, scope: Scope) -> None:
        """Let go of the entity, here and in the index. Called when its rows are gone from the store."""
        while (running := self._loading.get(_key(scope))) is not None:
            await asyncio.wait([running])
        self._held.pop(_key(scope), None)
        self._told_bare.discard(_key(scope))
        await self._index.drop(scope)

    def prepare(self, scope: Scope) -> None:
        """Begin to load the entity, for whoever asks next."""
        self._start(scope)

    async def keep_up(self, round_: float = ROUND) -> None:
        """Follow what other replicas do to the entities held here, and to those that the index keeps, for ever."""
        while True:
            kept = self._index.kept() if isinstance(self._index, Keeping) else {}
            keys = sorted({*self._held, *map(_key, kept)})
            for key in keys:
                await asyncio.sleep(max(round_ / len(keys), 1 / READS))
                with suppress(MemproxyError):  # the store is away: a later round will tell
                    await self._compare(scope := Scope(*key), kept.get(scope))
            if not keys:
                await asyncio.sleep(round_)

    async def _compare(self, scope: Scope, born: int | None) -> None:
        """`born` tells which life of the entity the index keeps."""
        held = self.peek(scope)
        now = await self._memory.changes(scope, since=NOTHING_SINCE)
        if held is not None:
            if (now.version, now.born) != (held.version, held.born):
                await self._join(scope)
        elif born is not None and now.born != born:
            await self.drop(scope)
            self._on_gone()

    async def _fresh(self, scope: Scope, version: int | None) -> EntityMemory | None:
        held = self._held.get(_key(scope))
        if held is None or version is None or held.version < version:
            return None
        self._held.move_to_end(_key(scope))
        if not held.indexed:
            if time.monotonic() - held.tried > AGAIN:
                self._start(scope)
            return held  # by words, while the index is tried again
        # The index evicts by its own measure.
        return held if await self._indexed(scope) >= held.version else None

    async def _join(self, scope: Scope) -> EntityMemory:
        """Wait for the running load, or for a new one."""
        outcome = await asyncio.shield(self._start(scope))
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _start(self, scope: Scope) -> asyncio.Task[EntityMemory | BaseException]:
        key = _key(scope)
        if key not in self._loading:
            self._loading[key] = self._tasks.start("recall load", self._settled(scope))
        return self._loading[key]

    async def _settled(self, scope: Scope) -> EntityMemory | BaseException:
        """The load's result or error, as a value: a failed load is the waiters' affair, not the death of a task."""
        try:
            [outcome] = await asyncio.gather(self._load(scope), return_exceptions=True)
            return outcome
        finally:
            del self._loading[_key(scope)]

    async def _load(self, scope: Scope) -> EntityMemory:
        held = self._held.get(_key(scope)) or EntityMemory()
        indexed = await self._indexed(scope)
        since = min(held.version, indexed)
        changes = await self._memory.changes(scope, since=since)
        if held.version and changes.born != held.born:  # erased, perhaps by another replica: this is another life
            self._held.pop(_key(scope), None)
            self._told_bare.discard(_key(scope))
            self._on_gone()
            held, since = EntityMemory(), 0
            changes = await self._memory.changes(scope, since=0)
        elif held.version and any(fact.state is FactState.FORGOTTEN for fact in changes.facts):
            self._on_gone()
        if changes.version == 0:
            if indexed:
                await self._index.drop(scope)
            return EntityMemory()
        await self._take_in(held, changes.facts)
        held.version, held.born = changes.version, changes.born
        self._tell(scope, changes)
        if not since and (later := _later(changes, indexed)) is not None:
            since, changes = indexed, later
        held.indexed, held.tried = await self._feed(scope, changes, since=since), time.monotonic()
        if since and held.indexed and await self._indexed(scope) < changes.version:  # another replica dropped it
            held.indexed = await self._feed(scope, await self._memory.changes(scope, since=0), since=0)
        self._keep(_key(scope), held)
        return held

    async def _take_in(self, held: EntityMemory, facts: Sequence[Fact]) -> None:
        new = [fact for fact in facts if fact.version > held.version]
        start = size = 0
        for end, fact in enumerate(new, 1):
            size += len(fact.text) + 200
            if size >= SLICE_CHARACTERS or end == len(new):
                held.apply(new[start:end])
                start, size = end, 0
                await asyncio.sleep(0)

    async def _indexed(self, scope: Scope) -> int:
        """A broken index does not keep the words from being loaded: it is fed anew, which tells what is wrong."""
        try:
            return await self._index.version(scope)
        except MemproxyError:
            return 0

    async def _feed(self, scope: Scope, changes: Changes, *, since: int) -> bool:
        try:
            await self._index.apply(scope, self._comparable(changes), since=since)
        except MemproxyError as exc:
            log.warning("the vector index cannot follow; recall goes by words", extra={"error": type(exc).__name__})
            return False
        return True

    def _comparable(self, changes: Changes) -> Changes:
        """Vectors of another model say nothing here; their facts wait for being embedded again."""
        if all(fact.model == self._model or fact.embedding is None for fact in changes.facts):
            return changes
        facts = [fact if fact.model == self._model else replace(fact, embedding=None) for fact in changes.facts]
        return replace(changes, facts=tuple(facts))

    def _tell(self, scope: Scope, changes: Changes) -> None:
        """That facts wait for vectors. Once is enough: the job that gives them is stored, and tries again by itself."""
        key = _key(scope)
        if self._model is None or key in self._told_bare:
            return
        if any(fact.state is FactState.CURRENT and fact.model != self._model for fact in changes.facts):
            self._told_bare.add(key)
            self._on_bare(scope)

    def _keep(self, key: Key, held: EntityMemory) -> None:
        self._held[key] = held
        self._held.move_to_end(key)
        used = self.bytes
        while used > self._cache_bytes and len(self._held) > 1:
            _, evicted = self._held.popitem(last=False)
            used -= evicted.bytes


def _later(changes: Changes, indexed: int) -> Changes | None:
    """Of all there is, what an index lacks that was kept over a restart. None where it begins anew: it is empty, or it
    holds what was forgotten since, and would only mark it as gone."""
    later = tuple(fact for fact in changes.facts if fact.version > indexed)
    gone = any(fact.state is FactState.FORGOTTEN for fact in later)
    return replace(changes, facts=later) if 0 < indexed <= changes.version and not gone else None


def _key(scope: Scope) -> Key:
    return scope.tenant, scope.entity
