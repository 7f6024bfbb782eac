"""CPU per request at 64 connections: memory off against a bare copy, memory on against one embedding and an insertion.

All processes are up together and take turns within each round, so that what the machine does beside us hits them
alike; the ratios are of the same run. The background worker is paused while chats are measured with memory on, and
what it costs per turn is measured afterwards, while it drains.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.process import Process
from bench.report import Line, ratio, spread
from bench.stage import Service, Size, embedding_ms, load, reference, rounds, settle, upstream

REMEMBERED = 200
PACE = 0.005
"""Seconds between chunks: far enough apart that they arrive, and are forwarded, one by one."""
SHAPES = {"json": False, "sse": True}
ASKED = {"json": 3000, "sse": 600}
REMEMBERING = {"json": 800, "sse": 300}
"""Requests with memory on; fewer, since each leaves background work to be drained."""
WARM_UP = 128


@dataclass
class Costs:
    """CPU milliseconds per request by subject and shape, one value per round."""

    of: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    embedding: list[float] = field(default_factory=list)
    background: list[float] = field(default_factory=list)
    memory: Counter[str] = field(default_factory=Counter)

    def measure(
        self, subject: str, shape: str, process: Process, size: Size, *, seed: int, header: Sequence[str] = ()
    ) -> int:
        """One run against one process; returns how many requests it was."""
        asked = REMEMBERING if subject == "memory on" else ASKED
        count = size.of(asked[shape], 20 if SHAPES[shape] else 60)
        url = process.url.removesuffix("/v1") + "/v1"
        options = {"stream": SHAPES[shape], "header": header, "connections": min(64, count)}
        load(url, requests=size.of(WARM_UP, 8), seed=seed + 500_000, **options)
        settle()
        before = process.cpu()
        with process.sampling(f"{subject} {shape}"):
            told = load(url, requests=count, seed=seed, **options)
        self.of[subject, shape].append(1000 * (process.cpu() - before) / count)
        if subject == "memory on":
            self.memory.update(told["memory"])
        return count


def run(size: Size) -> list[Line]:
    costs = Costs()
    with ExitStack() as stack:
        up = stack.enter_context(upstream(delay=PACE))
        references = {kind: stack.enter_context(reference(kind, up.url)) for kind in ("copy", "insert")}
        service = stack.enter_context(Service(up.url, profile=size.profile))
        for number in rounds(size):
            costs.embedding.append(embedding_ms(size.of(500, 20), seed=number))
            for place, shape in enumerate(SHAPES):
                seed = number * 1_000_000 + place * 100_000  # no question twice: its embedding would be cached
                for kind, process in references.items():
                    costs.measure(kind, shape, process, size, seed=seed)
                _measure_service(costs, shape, service, size, seed)
    return _lines(costs)


def run_references(size: Size) -> list[Line]:
    """The references alone, to see what this machine can do."""
    costs = Costs()
    with upstream(delay=PACE) as up, reference("copy", up.url) as copy, reference("insert", up.url) as insert:
        for number in rounds(size):
            for shape in SHAPES:
                costs.measure("copy", shape, copy, size, seed=number)
                costs.measure("insert", shape, insert, size, seed=number)
    return [spread(f"CPU {subject} {shape}", values, "ms") for (subject, shape), values in costs.of.items()]


def _measure_service(costs: Costs, shape: str, service: Service, size: Size, seed: int) -> None:
    entity = f"hot-{shape}-{seed}"
    named = service.seeded(entity, size.of(REMEMBERED, 20), seed=seed)
    costs.measure("no entity", shape, service.process, size, seed=seed)
    off = [named, "X-Memproxy-Memory: off"]
    costs.measure("header off", shape, service.process, size, seed=seed, header=off)
    service.pause_jobs()
    turns = costs.measure("memory on", shape, service.process, size, seed=seed, header=[named])
    settle()
    before = service.process.cpu()
    with service.process.sampling(f"background after {shape}"):
        service.resume_jobs()
        service.drain()
    costs.background.append(1000 * (service.process.cpu() - before) / (turns + size.of(WARM_UP, 8)))


def _lines(costs: Costs) -> list[Line]:
    lines = [spread(f"CPU {subject} {shape}", values, "ms") for (subject, shape), values in costs.of.items()]
    lines += [spread("CPU one embedding", costs.embedding, "ms")]
    for shape in SHAPES:
        copy, insert = costs.of["copy", shape], costs.of["insert", shape]
        with_memory = [one + other for one, other in zip(costs.embedding, insert, strict=True)]
        lines += [
            ratio(f"no entity / copy, {shape}", costs.of["no entity", shape], copy, aim=1.5),
            ratio(f"header off / copy, {shape}", costs.of["header off", shape], copy, aim=1.5),
            ratio(f"memory on / (embedding + insert), {shape}", costs.of["memory on", shape], with_memory, aim=1.25),
        ]
    looked = costs.memory["hit"] + costs.memory["none"]
    other = sum(costs.memory.values()) - looked
    lines += [Line("requests not looked up", other, "", 0, f"of {looked + other}: {dict(costs.memory)}")]
    return [*lines, spread("CPU background per turn", costs.background, "ms")]
