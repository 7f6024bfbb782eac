"""Added time to first token: 16 concurrent paced streams through memproxy against the same straight to the upstream."""

from __future__ import annotations

from bench.report import Line, spread
from bench.stage import Service, Size, load, rounds, upstream

STREAMS = 16
PACE = 0.01
THINK = 0.25
"""Mean pause before a question, so that people ask at times of their own instead of all at once."""


def run(size: Size) -> list[Line]:
    added_off, added_on, undisturbed, direct = [], [], [], []
    with upstream(delay=PACE) as up, Service(up.url, profile=size.profile) as service:
        named = service.seeded("ttft", size.of(200, 20), seed=1)
        for number in rounds(size):
            bare = _first(up.url, size, number)
            direct.append(bare)
            added_off.append(_first(service.url, size, number) - bare)
            with service.process.sampling("memory on"):
                added_on.append(_first(service.url, size, number, named) - bare)
            service.drain()
            service.pause_jobs()
            undisturbed.append(_first(service.url, size, 100 + number, named) - bare)
            service.resume_jobs()
            service.drain()
    return [
        spread("first token, direct, p50", direct, "ms"),
        spread("first token added, memory off, p50", added_off, "ms"),
        spread("first token added, memory on, p50", added_on, "ms", aim=4.0),
        spread("the same with background work paused", undisturbed, "ms"),
    ]


def _first(url: str, size: Size, number: int, *headers: str) -> float:
    count, streams = size.of(160, 8), size.of(STREAMS, 4)
    told = load(url, requests=count, seed=number, stream=True, think=THINK, connections=streams, header=headers)
    return float(told["first_ms"]["p50"])
