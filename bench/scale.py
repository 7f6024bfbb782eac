"""Recall as memory grows: in the number of entities, and in the messages of one entity.

Everything is imported through the public API, so that what is searched is what a user would have. Cold is the first
recall of an entity after a restart, warm any later one.
"""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from itertools import islice

from bench.questions import questions
from bench.report import Line
from bench.stage import Service, Size, load, upstream

ASKED = 200
EACH = 2
"""Messages of each of many entities."""
FLAT = 1.5
"""What still counts as flat, as a ratio of medians: above the noise, far below any growth with the number."""


def run(size: Size) -> list[Line]:
    with upstream() as up:
        with Service(up.url, profile=size.profile) as service:
            lines = _many_entities(service, size)
        with Service(up.url, profile=size.profile) as service:
            return lines + _one_entity(service, size)


def _many_entities(service: Service, size: Size) -> list[Line]:
    lines, warm, made = [], [], 0
    counts = [3, 10] if size.smoke else [10, 1_000, 10_000]
    for count in counts:
        for number in range(made, count):
            service.tell(f"e{number}", EACH, seed=number)
        made = count
        service.drain()
        service.restart()
        asked = [f"e{number * count // min(ASKED, count)}" for number in range(min(ASKED, count))]
        cold = recall_times(service, asked, seed=1)
        warm.append(statistics.median(recall_times(service, asked * (ASKED // len(asked)), seed=2)))
        lines.append(Line(f"recall p50, cold, one of {count} entities", statistics.median(cold), "ms"))
        lines.append(Line(f"recall p50, warm, one of {count} entities", warm[-1], "ms"))
    aimed = None if size.smoke else FLAT
    return [*lines, Line(f"recall at {counts[-1]} / at {counts[0]} entities", warm[-1] / warm[0], "x", aimed)]


def _one_entity(service: Service, size: Size) -> list[Line]:
    lines: list[Line] = []
    made = 0
    counts = [20, 60] if size.smoke else [1_000, 10_000, *([100_000] if size.full else [])]
    for count in counts:
        started = time.perf_counter()
        service.tell("one", count - made, seed=count)
        service.drain()
        spent = 1000 * (time.perf_counter() - started) / (count - made)
        made = count
        service.restart()
        (cold,) = recall_times(service, ["one"], seed=1)
        with service.process.sampling(f"recall from {count} messages"):
            warm = recall_times(service, ["one"] * size.of(ASKED, 20), seed=2)
        chat = load(service.url, requests=size.of(100, 10), seed=3, connections=1, header=["X-Memproxy-Entity: one"])
        lines += [
            Line(f"first recall after start, {count} messages", cold, "ms"),
            Line(f"recall p50, {count} messages", statistics.median(warm), "ms"),
            Line(f"chat p50, {count} messages", chat["whole_ms"]["p50"], "ms"),
            Line(f"import and indexing per message, to {count}", spent, "ms"),
            Line(f"resident, {count} messages", service.process.rss(), "MB"),
        ]
    return lines


def recall_times(service: Service, entities: Iterable[str], *, seed: int) -> Sequence[float]:
    """Milliseconds of one recall after another on one connection, each with a new question."""
    connection = http.client.HTTPConnection(service.process.url.removeprefix("http://"), timeout=600)
    named = list(entities)
    took = []
    for entity, question in zip(named, islice(questions(seed), len(named)), strict=True):
        body = json.dumps({"query": question})
        started = time.perf_counter()
        connection.request("POST", f"/memory/v1/entities/{entity}/recall", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        said = reply.read()
        took.append(1000 * (time.perf_counter() - started))
        if reply.status != 200:
            raise RuntimeError(f"recall answered {reply.status}: {said[:500]!r}")
    connection.close()
    return took
