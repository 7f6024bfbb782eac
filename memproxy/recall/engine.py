"""Recall, end to end: a question in, a block out.

    load ─┐
          ├─► dense, lexical ─► candidates ─► rank ─► floor ─► pack ─► render
    embed ┘

Loading and embedding run side by side where the memory is not at hand. What fails here fails softly where half an
answer is right: without vectors, recall goes on by words and says so in `Recalled.degraded`. Errors of the store fly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter

import numpy as np

from memproxy.domain import Block, Hit, Scope
from memproxy.errors import MemproxyError
from memproxy.ports import Embedder, Index, Memory, Vector
from memproxy.recall.candidates import DENSE, Candidates, Filter, gather
from memproxy.recall.currency import asks_past, in_time
from memproxy.recall.entity_memory import EntityMemory
from memproxy.recall.floor import above
from memproxy.recall.library import Library
from memproxy.recall.pack import Packing, Seen, by_worth
from memproxy.recall.question import Question, read
from memproxy.recall.rank import Ranking, rank
from memproxy.recall.render import block
from memproxy.tasks import Tasks

NOTED = 3
"""How far down the ranking messages are looked for that the model has before it, in blocks' worth of facts."""
NARROW = 16
"""How many times more vectors are asked for where a filter will throw most of them away."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of whose memory."""

    scope: Scope
    text: str
    version: int | None = None
    """Of the entity's memory, where the caller knows it; None asks the store."""
    budget: int = 512
    """o200k tokens that the block may take."""
    limit: int = 20
    process_only: bool = False
    """Only what `scope.process` itself has learned."""
    kinds: frozenset[str] | None = None
    at: datetime | None = None
    """Recall as of this time; None is now."""
    visible: tuple[str, ...] = ()
    """Texts that the model has before it anyway."""
    given: frozenset[str] = frozenset()
    """Ids of facts in earlier blocks of the session."""
    floor: bool = True
    """Leave out what is not clearly relevant, everything if need be. Without it the best of a bad lot comes back."""


@dataclass(frozen=True, slots=True)
class Recalled:
    block: Block = field(default_factory=Block)
    left_out: tuple[tuple[str, str], ...] = ()
    """Fact ids that ranked high and are not in the block, with the reason."""
    steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds by step."""
    degraded: str | None = None
    """`embedder` or `index` where vectors were missing, and words alone decided."""


class Recall:
    """Holds loaded memories of up to `cache_bytes`; safe for concurrent requests of one event loop. `on_bare` is told
    of an entity whose facts wait for vectors, `on_gone` that words held here are no longer to be told; `clock` gives
    the seconds of its steps."""

    def __init__(
        self,
        *,
        memory: Memory,
        index: Index,
        embedder: Embedder | None,
        tasks: Tasks,
        cache_bytes: int = 256 * 1024 * 1024,
        on_bare: Callable[[Scope], None] = lambda scope: None,
        on_gone: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._index = index
        self._clock = clock
        self._embedder = embedder
        model = embedder.name if embedder is not None else None
        self.library = Library(
            memory=memory,
            index=index,
            tasks=tasks,
            model=model,
            cache_bytes=cache_bytes,
            on_bare=on_bare,
            on_gone=on_gone,
        )

    async def recall(self, query: Query) -> Recalled:
        """Raises what the store raises; a model or an index that fails only degrades."""
        steps = Steps(self._clock)
        if query.version == 0 and self.library.peek(query.scope) is not None:
            await self.library.load(query.scope, 0)  # erased through another replica: let go of it
        if not query.text.strip() or query.version == 0:
            return Recalled()
        ready = await self._prepare(query, steps)
        held, question = ready.held, ready.question
        if not held.facts:
            return Recalled(steps=steps.seconds, degraded=ready.trouble)
        only = _filter(query, held, question)
        found, trouble = await self._dense(query.scope, ready, only)
        steps.end("dense")
        matches = held.match(question.terms)
        candidates = gather(held, found, matches, only, question)
        steps.end("lexical")
        ranking = in_time(held, candidates, rank(candidates, question), question)
        steps.end("rank")
        packing = _packed(query, held, question, candidates, ranking)
        hits = _hits(held, candidates, ranking, packing.taken)
        text = block(hit.fact for hit in hits)
        steps.end("pack")
        return Recalled(
            block=Block(text, packing.tokens if hits else 0, hits),
            left_out=tuple(packing.left_out),
            steps=steps.seconds,
            degraded=trouble or (None if held.indexed or self._embedder is None else "index"),
        )

    async def drop(self, scope: Scope) -> None:
        """Forget what is held of the entity; the store is not touched."""
        await self.library.drop(scope)

    async def _prepare(self, query: Query, steps: Steps) -> Prepared:
        """The loaded memory and the question's vector. Names of speakers are taken out of the question first; where the
        load brings names to light that the held memory did not have, it is embedded again."""
        old = self.library.peek(query.scope)
        loading = self.library.load(query.scope, query.version)
        guess = made = None
        if old is None or query.version is None or old.version < query.version:
            guess = read(query.text, old.speakers if old else {})
            held, made = await asyncio.gather(loading, self._embed(guess))
        else:
            held = await loading
        steps.end("load")
        question = read(query.text, held.speakers, query.at, None if query.at else held.newest)
        if held.facts and (guess is None or made is None or guess.text != question.text):
            made = await self._embed(question)
        steps.end("embed")
        vector, trouble = made or (None, None)
        return Prepared(held, question, vector, trouble)

    async def _embed(self, question: Question) -> tuple[Vector | None, str | None]:
        if self._embedder is None:
            return None, None
        try:
            vectors = await self._embedder.embed([question.text], purpose="query")
        except MemproxyError:
            return None, "embedder"
        return vectors[0], None

    async def _dense(
        self, scope: Scope, ready: Prepared, only: Filter
    ) -> tuple[Sequence[tuple[int, float]], str | None]:
        if ready.vector is None:
            return (), ready.trouble
        limit = min(len(ready.held), DENSE * NARROW if only.narrow else DENSE)
        try:
            return await self._index.search(scope, ready.vector, limit=limit), None
        except MemproxyError:
            return (), "index"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the searches need."""

    held: EntityMemory
    question: Question
    vector: Vector | None
    trouble: str | None


class Steps:
    """Seconds by step, from one end to the next."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.seconds: dict[str, float] = {}
        self._clock = clock
        self._last = clock()

    def end(self, step: str) -> None:
        now = self._clock()
        self.seconds[step] = now - self._last
        self._last = now


def _filter(query: Query, held: EntityMemory, question: Question) -> Filter:
    return Filter(
        at=(query.at or datetime.now(UTC)).timestamp(),
        kinds=tuple(held.code_of("kind", kind) for kind in query.kinds) if query.kinds is not None else None,
        process=held.code_of("process", query.scope.process or "") if query.process_only else None,
        past=asks_past(question),
    )


def _packed(query: Query, held: EntityMemory, question: Question, candidates: Candidates, ranking: Ranking) -> Packing:
    packing = Packing(query.budget, query.limit, Seen(query.visible, query.given), frozenset(question.terms))
    cut = above(candidates, ranking, question) if query.floor else len(ranking.order)
    rows = candidates.rows[ranking.order[: max(cut + query.limit, NOTED * query.limit)]].tolist()
    packing.note(held.facts[row] for row in rows[: NOTED * query.limit])
    pinned = ranking.order[candidates.facts["pinned"][ranking.order]]
    worth = ranking.order[: min(cut, NOTED * query.limit)]
    worth = worth[~candidates.facts["pinned"][worth]]
    facts = [held.facts[row] for row in candidates.rows[worth].tolist()]
    offered = worth[by_worth(facts, ranking.scores[worth], query.budget, query.limit)]
    for position in (*pinned.tolist(), *offered.tolist()):
        packing.offer(position, held.facts[candidates.rows[position]], int(candidates.facts["sameness"][position]))
    packing.drop((held.facts[row] for row in rows[cut : cut + query.limit] if not held.facts[row].pinned), "floor")
    packing.drop((held.facts[row] for row in _outdated(held, candidates, packing.taken)), "superseded")
    return packing


def _outdated(held: EntityMemory, candidates: Candidates, taken: Sequence[int]) -> list[int]:
    """What was replaced by what is in the block, and is not in it itself."""
    shown = candidates.rows[list(taken)].tolist() if taken else []
    return held.succession.predecessors(shown) if held.succession.closed else []


def _hits(held: EntityMemory, candidates: Candidates, ranking: Ranking, taken: Sequence[int]) -> tuple[Hit, ...]:
    if not taken:
        return ()
    wanted = np.isin(ranking.order, taken)
    chosen = ranking.order[wanted]
    scores = ranking.scores[chosen].astype(float).round(4).tolist()
    facts = (held.facts[row] for row in candidates.rows[chosen].tolist())
    return tuple(map(Hit, facts, scores, ranking.why(chosen)))
