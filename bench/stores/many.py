"""Ten thousand entities beside ten: memory of an idle service, rate of jobs, time of a recall, bytes on the disk."""

from __future__ import annotations

import asyncio
import statistics
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.questions import questions, statements
from bench.report import Line
from bench.stage import Service, Size, settle
from bench.stores.loading import Recalling, ask, episodes
from bench.stores.subjects import Subject
from bench.stores.turns import BEGAN, Talk
from memproxy.domain import Job, MemoryWrite, Scope
from memproxy.ids import new_id
from memproxy.ports import Store

ENTITIES = ((10, 10_000), (3, 20))
EACH = 2
"""Facts of each."""
AT_ONCE = 16
JOBS = (600, 20)
"""Claimed and settled in one measurement."""
WORKERS = (1, 3)
CLAIM = 2
"""Jobs that a worker of the product asks for at once."""
FLAT = 1.5


async def measure(subject: Subject, size: Size) -> list[Line]:
    few, many = ENTITIES[1] if size.smoke else ENTITIES[0]
    found = [await _with(subject, count, size) for count in (few, many)]
    lines = [line for lines in found for line in lines]
    less, more = (next(line.value for line in lines if line.name.startswith("recall")) for lines in found)
    return [*lines, Line(f"recall at {many} / at {few} entities", more / less, "x", None if size.smoke else FLAT)]


async def _with(subject: Subject, count: int, size: Size) -> list[Line]:
    url = subject.database()
    async with subject.store(url) as store:
        before = subject.bytes()
        await _fill(store, count)
        lines = [Line(f"disk for each of {count} entities", (subject.bytes() - before) / count / 1000, "KB")]
        lines.append(await _recall(store, count, size))
    if not size.smoke or (subject.name == "sqlite" and count == ENTITIES[1][1]):
        lines.append(await asyncio.to_thread(_resident, url, count))
    async with subject.store(url) as store:
        await store.enqueue([_job(number % count) for number in range(max(count, 4 * size.of(*JOBS)))])
        return lines + [await _worked(subject, url, workers, count, size) for workers in WORKERS]


async def _fill(store: Store, count: int) -> None:
    """One session of two messages, and two facts, for each."""
    talk = Talk(seed=2, people=count, jobs=False)
    for _ in range(0, count, 250):
        await store.commit(talk.turns(min(250, count)))
    said = statements(4)
    left = iter(range(count))

    async def learn() -> None:
        for number in left:
            facts = await episodes(list(islice(said, EACH)))
            await store.write(_scope(number), MemoryWrite(facts=facts))

    await asyncio.gather(*(learn() for _ in range(AT_ONCE)))


def _scope(number: int) -> Scope:
    return Scope("acme", f"person-{number}", "app")


async def _recall(store: Store, count: int, size: Size) -> Line:
    """Each the first of its entity, so that the store is asked."""
    spent = []
    asked = min(count, size.of(100, 3))
    with TemporaryDirectory(prefix="bench-index-") as folder:
        async with Recalling(store, Path(folder)) as recall:
            for number, question in enumerate(islice(questions(6), asked)):
                began = perf_counter()
                await ask(store, recall, _scope(number * count // asked), question)
                spent.append(1000 * (perf_counter() - began))
    return Line(f"recall, first of an entity, one of {count}", statistics.median(spent), "ms")


def _resident(url: str, count: int) -> Line:
    """Nothing is asked of it, so the upstream need not be there."""
    with Service("http://127.0.0.1:9/v1", settings={"STORE": url}) as service:
        settle()
        return Line(f"resident, idle service over {count} entities", service.process.rss(), "MB")


def _job(number: int) -> Job:
    scope = _scope(number)
    return Job(new_id(), "extract", scope, f"{scope.entity}-session", created_at=BEGAN, run_at=BEGAN)


async def _worked(subject: Subject, url: str, workers: int, count: int, size: Size) -> Line:
    """Each worker is a replica with connections of its own."""
    left = size.of(*JOBS)

    async def work(name: str, store: Store) -> int:
        nonlocal left
        settled = 0
        while left > 0:
            left -= CLAIM
            for job in await store.claim(worker=name, limit=CLAIM, lease=60, now=datetime.now(UTC)):
                await store.settle(job, now=datetime.now(UTC))
                settled += 1
        return settled

    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(subject.store(url)) for _ in range(workers)]
        began = perf_counter()
        settled = await asyncio.gather(*(work(f"worker-{n}", store) for n, store in enumerate(stores)))
        rate = sum(settled) / (perf_counter() - began)
    return Line(f"jobs claimed and settled, {workers} workers, {count} entities", rate, "/s")
