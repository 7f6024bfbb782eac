"""Turns committed per second and milliseconds added, beside the driver that inserts the same rows in the same groups.

Requesters submit turns to `Capture`, each its next one when its last is durable, as requests do that wait for the end
of their replies. The groups that came of it are then written by the driver alone to a twin of the database; both take
turns, round after round, so that both databases grow alike.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from bench.report import Line
from bench.stage import Size, rounds
from bench.stores.raw import Raw, raw_of
from bench.stores.subjects import Subject
from bench.stores.turns import Talk
from memproxy.capture import Capture
from memproxy.domain import Committed, Turn
from memproxy.journal import Journal
from memproxy.ports import Store
from memproxy.tasks import Tasks

AIM = 0.7
"""Of the raw driver's turns per second."""
AT_ONCE = {1: (100, 5), 16: (640, 48), 64: (1280, 128)}
"""Concurrent requests: turns in a round, and in a smoke run."""


@dataclass(slots=True)
class Recorder:
    """The store as `Capture` uses it, and the groups that it was given."""

    store: Store
    groups: list[Sequence[Turn]] = field(default_factory=list)

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        self.groups.append(turns)
        return await self.store.commit(turns)


@dataclass(slots=True)
class Found:
    """Of all rounds."""

    rates: list[float] = field(default_factory=list)
    raw_rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Milliseconds a turn, the server's included."""
    raw_cpu: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    groups: int = 0
    turns: int = 0


async def measure(subject: Subject, size: Size) -> list[Line]:
    ours, twin = subject.database(), subject.database()
    talk = Talk(seed=1)
    async with subject.store(twin) as store:
        await Talk(seed=1).begin(store)
    raw = raw_of(subject, twin, ours)
    async with subject.store(ours) as store:
        await talk.begin(store)
        await talk.recall(store)
        await raw.open()
        try:
            return [line for count in AT_ONCE for line in await _at_once(subject, store, raw, talk, count, size)]
        finally:
            await raw.close()


async def _at_once(subject: Subject, store: Store, raw: Raw, talk: Talk, requesters: int, size: Size) -> list[Line]:
    found = Found()
    for number in range(len(rounds(size, 5)) + 1):
        turns = talk.turns(size.of(*AT_ONCE[requesters]))
        cpu = subject.cpu()
        groups, waits, spent = await _captured(store, turns, requesters)
        cpu = subject.cpu() - cpu
        rows = await raw.rows(groups)
        raw_cpu, began = subject.cpu(), perf_counter()
        for group in rows:
            await raw.write(group)
        if number or size.smoke:  # the first round warms up
            found.rates.append(len(turns) / spent)
            found.raw_rates.append(len(turns) / (perf_counter() - began))
            found.cpu.append(1000 * cpu / len(turns))
            found.raw_cpu.append(1000 * (subject.cpu() - raw_cpu) / len(turns))
            found.waits += waits
            found.groups += len(groups)
            found.turns += len(turns)
    return _lines(found, requesters)


async def _captured(
    store: Store, turns: Sequence[Turn], requesters: int
) -> tuple[list[Sequence[Turn]], list[float], float]:
    """The groups, the seconds that each turn took, and those of all together."""
    recorder, tasks = Recorder(store), Tasks()
    capture = Capture(
        turns=recorder,  # type: ignore[arg-type] # `Capture` only commits
        health=store,
        journal=Journal(folder=Path("/nowhere"), limit=0),
        tasks=tasks,
        queue=10_000,
        on_jobs=lambda: None,
        on_commit=lambda count, seconds: None,
    )
    capture.start()
    waits: list[float] = []
    left = iter(turns)

    async def requester() -> None:
        for turn in left:
            began = perf_counter()
            await capture.submit(turn)
            waits.append(perf_counter() - began)

    began = perf_counter()
    await asyncio.gather(*(requester() for _ in range(requesters)))
    spent = perf_counter() - began
    await tasks.stop()
    return recorder.groups, waits, spent


def _lines(found: Found, requesters: int) -> list[Line]:
    mine, driver = statistics.median(found.rates), statistics.median(found.raw_rates)
    waits = sorted(found.waits)
    cpu, raw_cpu = statistics.median(found.cpu), statistics.median(found.raw_cpu)
    name = f"commit, {requesters} at once"
    return [
        Line(f"{name}: turns", mine, "/s", detail=f"groups of {found.turns / found.groups:.1f}; driver {driver:.0f}/s"),
        Line(f"{name}: added, p50", 1000 * statistics.median(waits), "ms", detail=f"p95 {_p95(waits):.1f}"),
        Line(f"{name}: of the driver's rate", mine / driver, "x", AIM, least=True),
        Line(f"{name}: CPU of a turn, server included", cpu, "ms", detail=f"driver {raw_cpu:.2f} ms"),
    ]


def _p95(ordered: Sequence[float]) -> float:
    return 1000 * ordered[int(0.95 * (len(ordered) - 1))]
