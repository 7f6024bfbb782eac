"""What recall itself takes for one large entity, the embedding apart: CPU by step, for plain questions and for those
that name days.

In process, with the product's own code and the vectors in the index as they would be after a restart. The memory are
the dialogues of `bench.evaluation` one after another, with what extraction wrote of them; where they are too few they
come again, later, with one word in ten exchanged and their vectors turned a little. Each question is asked once.
"""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import count as counted
from pathlib import Path

import numpy as np

from bench.dialogues import Dialogue, Replay, Vectors, dialogues, told
from bench.report import Line
from bench.stage import Size
from memproxy.domain import Changes, Fact, Scope
from memproxy.recall.engine import Query, Recall
from memproxy.recall.question import read
from memproxy.serving import COLLECT
from memproxy.tasks import Tasks
from memproxy_hnsw.index import HnswIndex

AIMS = {10_000: 10.0, 100_000: 40.0}
"""Milliseconds of CPU, 95 of 100 questions."""
ASKED = 300
"""Questions of each kind."""
EXCHANGED = 0.1
"""Share of the words."""
TURNED = 0.35
"""Length of what is added to a vector in a direction of its own: the copy has a cosine of 0.94."""
STEPS = ("load", "dense", "lexical", "rank", "pack")
TOLD = ("locomo", "beam")
"""People who write to each other, and chats with an assistant, whose long messages are several facts each."""
SCOPE = Scope("bench", "one")


def run(size: Size) -> list[Line]:
    sizes = [500] if size.smoke else [10_000, *([100_000] if size.full else [])]
    return [line for messages in sizes for line in asyncio.run(_measure(messages, size))]


async def _measure(messages: int, size: Size) -> list[Line]:
    async with Vectors() as vectors:
        spoken = [dialogue for name in TOLD[: size.of(2, 1)] for dialogue in dialogues(name)]
        if not spoken:
            return []
        memory = Replay({"": await remembered(spoken, messages, vectors)}, SCOPE)
        memory.tell("")
        vectors.save()
        with tempfile.TemporaryDirectory() as folder:
            await _fed(Path(folder), memory, vectors)
            return await _asked(Path(folder), memory, vectors, spoken, messages)


async def _fed(folder: Path, memory: Replay, vectors: Vectors) -> None:
    async with HnswIndex(folder=folder, dimensions=vectors.dimensions, memory_limit=2**32) as index:
        await index.apply(SCOPE, await memory.changes(SCOPE, since=0), since=0)
        while index._workers._running:  # the graph of a large entity
            await asyncio.wait(index._workers._running)


async def _asked(
    folder: Path, memory: Replay, vectors: Vectors, spoken: Sequence[Dialogue], messages: int
) -> list[Line]:
    async with AsyncExitStack() as stack:
        index = await stack.enter_async_context(
            HnswIndex(folder=folder, dimensions=vectors.dimensions, memory_limit=2**32)
        )
        tasks = Tasks()
        stack.push_async_callback(tasks.stop)
        recall = Recall(memory=memory, index=index, embedder=vectors, tasks=tasks, clock=time.process_time)
        started = time.process_time(), time.perf_counter()
        await recall.recall(Query(SCOPE, "What have we talked about?", memory.version))
        cpu, wall = time.process_time() - started[0], time.perf_counter() - started[1]
        known = f"{messages} messages"
        lines = [Line(f"CPU, first recall after a start, {known}", 1000 * cpu, "ms", detail=f"{wall:.2f} s in all")]
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
        for kind, questions in _questions(spoken, memory).items():
            taken = [(await recall.recall(Query(SCOPE, text, memory.version))).steps for text in questions]
            lines += _lines(f"{kind}, {known}", taken, AIMS.get(messages))
        return lines


def _questions(spoken: Sequence[Dialogue], memory: Replay) -> Mapping[str, list[str]]:
    texts = [question["text"] for dialogue in spoken for question in dialogue.questions]
    random.Random(1).shuffle(texts)
    kinds: dict[str, list[str]] = {"plain": [], "dated": []}
    for text in texts:
        kinds["dated" if read(text, {}).days else "plain"].append(text)
    return {kind: found[:ASKED] for kind, found in kinds.items() if found}


def _lines(name: str, taken: Sequence[Mapping[str, float]], aim: float | None) -> list[Line]:
    rows = np.array([[1000 * steps.get(step, 0.0) for step in STEPS] for steps in taken])
    whole = rows.sum(axis=1)
    p50, p95 = (float(np.percentile(whole, share)) for share in (50, 95))
    parts = zip(STEPS, *np.percentile(rows, (50, 95), axis=0), strict=True)
    detail = "  ".join(f"{step} {low:.1f}/{high:.1f}" for step, low, high in parts)
    return [
        Line(f"CPU p50, {name}", p50, "ms", detail=f"of {len(taken)} questions"),
        Line(f"CPU p95, {name}", p95, "ms", aim, f"p50/p95 {detail}"),
    ]


async def remembered(spoken: Sequence[Dialogue], messages: int, vectors: Vectors) -> Changes:
    """What is known after so many messages."""
    one_by_one = {dialogue.id: await _facts(dialogue, vectors) for dialogue in spoken}
    words = [word for facts in one_by_one.values() for fact in facts[:200] for word in fact.text.split()]
    known: list[Fact] = []
    said: set[str] = set()
    for copy in counted():
        for name, facts in one_by_one.items():
            for fact in _copied(facts, copy, name, words):
                said.update(source.message_id for source in fact.sources)
                if len(said) > messages:
                    return Changes(1, tuple(known), born=1)
                known.append(replace(fact, number=len(known) + 1, version=1))
    raise AssertionError("counting has no end")


async def _facts(dialogue: Dialogue, vectors: Vectors) -> list[Fact]:
    replay = await told(dialogue, vectors)
    for session in list(replay.steps):
        replay.tell(session)
    return list((await replay.changes(replay.scope, since=0)).facts)


def _copied(facts: Sequence[Fact], copy: int, name: str, words: Sequence[str]) -> Iterator[Fact]:
    """Under ids of their own; the first copy says what they say."""
    mark, later = f"/{name}/{copy}", timedelta(weeks=copy)
    chance, noise = random.Random(copy), np.random.default_rng(copy)
    for fact in facts:
        sources = (
            replace(one, message_id=one.message_id + mark, session_id=one.session_id + mark) for one in fact.sources
        )
        one = replace(
            fact,
            id=fact.id + mark,
            first_seen=fact.first_seen + later,
            last_seen=fact.last_seen + later,
            superseded_by=fact.superseded_by and fact.superseded_by + mark,
            sources=tuple(sources),
        )
        yield _varied(one, words, chance, noise) if copy else one


def _varied(fact: Fact, words: Sequence[str], chance: random.Random, noise: np.random.Generator) -> Fact:
    text = " ".join(chance.choice(words) if chance.random() < EXCHANGED else word for word in fact.text.split(" "))
    return replace(fact, text=text, embedding=fact.embedding and _turned(fact.embedding, noise))


def _turned(embedding: bytes, noise: np.random.Generator) -> bytes:
    vector = np.frombuffer(embedding, "<f2").astype(np.float32)
    other = noise.standard_normal(len(vector), np.float32)
    vector = vector + TURNED * other / np.linalg.norm(other)
    return (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
