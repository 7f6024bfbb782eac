"""What a service costs that nobody uses: resident memory with the model, and seconds from exec to ready."""

from __future__ import annotations

from bench.report import Line, spread
from bench.stage import Service, Size, load, rounds, settle, upstream


def run(size: Size) -> list[Line]:
    fresh, again, idle, used = [], [], [], []
    with upstream() as up:
        for number in rounds(size):
            with Service(up.url) as service:
                fresh.append(service.process.ready_after)
                settle()
                idle.append(service.process.rss())
                load(service.url, requests=8, seed=number, connections=1, header=["X-Memproxy-Entity: one"])
                service.drain()
                used.append(service.process.rss())
                again.append(service.restart().ready_after)
    return [
        spread("ready after exec, new data directory", fresh, "s", aim=2.0),
        spread("ready after exec, existing data", again, "s", aim=2.0),
        spread("resident, idle with the model", idle, "MB", aim=260.0),
        spread("resident, after eight chats", used, "MB", aim=260.0),
    ]
