"""A cheap closed-loop load generator: N connections, each asking a new question as soon as the last was answered.

Runs as a process of its own (`python -m bench.load http://127.0.0.1:8700/v1 --requests 1000 --stream`) and prints one
JSON object. It reads replies just far enough to see where they end; a full HTTP client would cost more than the proxy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bench.questions import questions

SYSTEM = "You are a helpful assistant. Answer briefly, and use what you know about the person you talk to."
MEMORY = re.compile(rb"\r\nx-memproxy-memory: *(\w+)", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ENDING = b"\r\n0\r\n\r\n"


@dataclass
class Run:
    """What is asked, and what came back."""

    url: str
    requests: int
    stream: bool = False
    headers: Sequence[str] = ()
    seed: int = 0
    think: float = 0.0
    """Mean seconds of a random pause before each request of a connection; 0: none."""
    seconds: float = 0.0
    """Stop asking after so many seconds, if positive."""
    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    memory: Counter[str] = field(default_factory=Counter)
    broken: int = 0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self._questions = questions(self.seed)
        self.chance = random.Random(self.seed)
        self._asked = 0
        self._started = time.perf_counter()
        fixed = [f"POST {parts.path}/chat/completions HTTP/1.1", f"Host: {self.host}:{self.port}"]
        fixed += ["Content-Type: application/json", "Authorization: Bearer sk-bench", *self.headers]
        self._head = "\r\n".join([*fixed, "Content-Length: "]).encode()

    def next(self) -> bytes | None:
        late = self.seconds and time.perf_counter() - self._started > self.seconds
        if self._asked >= self.requests or late:
            return None
        self._asked += 1
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": next(self._questions)}]
        body = json.dumps({"model": "bench", "stream": self.stream, "messages": messages}).encode()
        return self._head + b"%d\r\n\r\n%b" % (len(body), body)

    def summary(self) -> dict[str, Any]:
        seconds = time.perf_counter() - self._started
        answered = len(self.whole)
        counts = {"requests": answered, "broken": self.broken, "statuses": self.statuses, "memory": self.memory}
        times = {"first_ms": percentiles(self.first), "whole_ms": percentiles(self.whole)}
        return counts | times | {"seconds": round(seconds, 3), "per_second": round(answered / seconds, 1)}


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    if not values:
        return {}
    ranked = sorted(values)
    chosen = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(1000 * ranked[int(share * (len(ranked) - 1))], 3) for name, share in chosen.items()}


class Connection(asyncio.Protocol):
    """Asks until the run has no more; `done` is set when it has closed."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._head: bytes | None = b""
        self._left: int | None = None
        self._tail = b""
        self._asked_at = 0.0
        self._first_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._pause()

    def _pause(self) -> None:
        think = self._run.think
        if think:
            asyncio.get_running_loop().call_later(self._run.chance.uniform(0, 2 * think), self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        assert self._transport is not None
        asked = self._run.next()
        self._asked_at = 0.0
        if asked is None:
            self._transport.close()
            return
        self._head, self._left, self._tail, self._first_at = b"", None, b"\r\n", 0.0
        self._asked_at = time.perf_counter()
        self._transport.write(asked)

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            head, found, data = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._read_head(head)
        if data:
            self._read_body(data)

    def _read_head(self, head: bytes) -> None:
        self._head = None
        self._run.statuses[head[9:12].decode()] += 1
        if found := MEMORY.search(head):
            self._run.memory[found[1].decode()] += 1
        length = LENGTH.search(head)
        self._left = int(length[1]) if length else None

    def _read_body(self, data: bytes) -> None:
        self._first_at = self._first_at or time.perf_counter()
        if self._left is None:
            self._tail = (self._tail + data)[-len(ENDING) :]
            ended = self._tail == ENDING
        else:
            self._left -= len(data)
            ended = self._left <= 0
        if ended:
            self._run.first.append(self._first_at - self._asked_at)
            self._run.whole.append(time.perf_counter() - self._asked_at)
            self._pause()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asked_at:
            self._run.broken += 1
        self.done.set_result(None)


async def play(run: Run, connections: int) -> dict[str, Any]:
    """A connection that breaks is counted and not replaced: a service that drops clients is to be seen."""
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: Connection(run), run.host, run.port) for _ in range(connections)]
    await asyncio.gather(*(protocol.done for _, protocol in opened))
    return run.summary()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--header", action="append", default=[], metavar="'Name: value'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--think", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=0.0)
    told = parser.parse_args()
    run = Run(told.url, told.requests, told.stream, told.header, told.seed, told.think, told.seconds)
    print(json.dumps(asyncio.run(play(run, told.connections))))


if __name__ == "__main__":
    main()
