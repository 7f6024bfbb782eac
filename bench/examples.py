"""Questions as ranking sees them: the candidates with every signal measured, and which of them hold an answer.

What is learned from these and graded on these is what the product ranks by: the same loading, searching, gathering and
packing, in process. Grades are those of `evaluation.py`, with the floor open and without the lift of newer statements.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.dialogues import Dialogue, Question, Vectors, dialogues, told
from bench.evaluation import LIMIT, TIGHT, WIDE, Row, grading
from memproxy.domain import Fact
from memproxy.recall.candidates import DENSE, Filter, gather
from memproxy.recall.library import Library
from memproxy.recall.pack import Packing, Seen
from memproxy.recall.question import read
from memproxy.recall.rank import measured
from memproxy.tasks import Tasks
from memproxy_hnsw.index import HnswIndex

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One question. `signals` has a row per candidate; `answers` an array of candidates for each piece of evidence that
    is among them; `rest` are the candidates that hold none."""

    set: str
    dialogue: str
    question: Question
    signals: NDArray[np.float32]
    facts: Sequence[Fact]
    sameness: NDArray[np.int64]
    answers: Sequence[NDArray[np.intp]]
    rest: NDArray[np.intp]

    def graded(self, weights: Weights) -> Row:
        """As the product would rank and pack by these weights."""
        scores = self.signals @ weights
        order = np.lexsort(([-fact.number for fact in self.facts], -scores)).tolist()
        row: Row = grading()(self.question, self._reply(order, WIDE), self._reply(order, TIGHT), TIGHT)
        return row

    def _reply(self, order: Sequence[int], budget: int) -> dict[str, list[dict[str, list[dict[str, str]]]]]:
        packing = Packing(budget, LIMIT, Seen((), frozenset()))
        packing.note(self.facts[place] for place in order)
        for place in order:
            if packing.full:
                break
            packing.offer(place, self.facts[place], int(self.sameness[place]))
        return {"hits": [{"sources": _sources(self.facts[place])} for place in packing.taken]}


def _sources(fact: Fact) -> list[dict[str, str]]:
    return [{"message_id": source.public_id, "session_id": source.session_id} for source in fact.sources]


async def examples(names: Sequence[str], vectors: Vectors) -> AsyncIterator[Example]:
    """Those of the questions that are to be answered."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        index = await stack.enter_async_context(HnswIndex(folder=folder, dimensions=vectors.dimensions))
        for name in names:
            for dialogue in dialogues(name):
                async for example in _of(name, dialogue, index, vectors):
                    yield example
                vectors.save()


async def _of(name: str, dialogue: Dialogue, index: HnswIndex, vectors: Vectors) -> AsyncIterator[Example]:
    memory, tasks = await told(dialogue, vectors), Tasks()
    library = Library(memory=memory, index=index, tasks=tasks, model=vectors.name, cache_bytes=2**40)
    only = Filter(at=datetime.now(UTC).timestamp())
    for session, _, questions in dialogue.sessions():
        for asked in questions:
            if asked["category"] == "adversarial":
                continue
            held = await library.load(memory.scope, memory.version)
            question = read(asked["text"], held.speakers, None, held.newest)
            [vector] = await vectors.embed([question.text], purpose="query")
            found = await index.search(memory.scope, vector, limit=DENSE)
            candidates = gather(held, found, held.match(question.terms), only, question)
            facts = [held.facts[row] for row in candidates.rows.tolist()]
            answers = _answers(asked, facts)
            yield Example(
                name,
                dialogue.id,
                asked,
                measured(candidates, question),
                facts,
                candidates.facts["sameness"].copy(),
                answers,
                np.setdiff1d(np.arange(len(facts)), np.concatenate([*answers, np.array([], np.intp)])),
            )
        memory.tell(session)
    await library.drop(memory.scope)
    await tasks.stop()


def _answers(asked: Question, facts: Sequence[Fact]) -> list[NDArray[np.intp]]:
    by_session = "evidence_sessions" in asked
    wanted = asked["evidence_sessions"] if by_session else asked["evidence"]
    tells = [{s.session_id if by_session else s.public_id for s in fact.sources} for fact in facts]
    found = (np.array([place for place, told in enumerate(tells) if one in told], np.intp) for one in set(wanted))
    return [places for places in found if len(places)]
