"""Whether background work starves the chat: its p99 while imported messages are indexed, against an idle service."""

from __future__ import annotations

from bench.report import Line, ratio, spread
from bench.stage import Service, Size, load, rounds, upstream

IMPORTED = 10_000
CONNECTIONS = 4
THINK = 0.1
"""Mean pause before a question: about forty chats a second, well below what the service can do."""


def run(size: Size) -> list[Line]:
    idle, busy, left = [], [], []
    with upstream() as up, Service(up.url, profile=size.profile) as service:
        named = service.seeded("talker", size.of(200, 20), seed=1)
        for number in rounds(size, real=2):
            idle.append(_p99(service, size, number, named))
            service.drain()
            service.tell(f"import-{number}", size.of(IMPORTED, 100), seed=number)
            with service.process.sampling("chats while indexing"):
                busy.append(_p99(service, size, 100 + number, named))
            left.append(float(service.pending()))
            seconds = service.drain()
    return [
        spread("chat p99, idle", idle, "ms"),
        spread("chat p99, while indexing", busy, "ms"),
        ratio("chat p99 while indexing / idle", busy, idle, aim=1.5),
        Line("jobs still pending after the busy run", min(left), "", None, "0: the import ended too soon to judge"),
        Line("then until the queue was empty", seconds, "s"),
    ]


def _p99(service: Service, size: Size, seed: int, named: str) -> float:
    count = size.of(800, 20)
    told = load(service.url, requests=count, seed=seed, think=THINK, connections=CONNECTIONS, header=[named])
    return float(told["whole_ms"]["p99"])
