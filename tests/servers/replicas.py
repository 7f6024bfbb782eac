"""Several replicas of memproxy on one store, and a balancer before them that knows no sessions.

async with Replicas(folder=tmp, store=url, upstream=up.port, count=3) as replicas, replicas.client() as http:
    await http.post("/e/ann/v1/chat/completions", json=...)     # one of the three, at random
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from memproxy.testing.service import ServiceProcess


class Replicas:
    """Each has a data directory of its own, as on a machine of its own. `out` are those that get no requests."""

    def __init__(
        self, *, folder: Path, store: str, upstream: int, count: int = 2, seed: int = 20261121, **settings: object
    ) -> None:
        root = f"http://127.0.0.1:{upstream}"
        self.all = [
            ServiceProcess(
                folder=folder / f"replica-{number}",
                upstream=f"{root}/v1",
                **{
                    "store": store,
                    "anthropic_upstream": root,
                    "gemini_upstream": root,
                    # Two busy cores make a deadline that people need a matter of luck.
                    "recall_timeout": 5,
                    "embedder": "none",
                    **settings,
                },
            )
            for number in range(count)
        ]
        self.random = random.Random(seed)
        self.out: set[ServiceProcess] = set()

    async def start(self) -> None:
        """All at once: one makes the tables, the others wait."""
        await asyncio.gather(*(one.start() for one in self.all))

    async def kill(self) -> None:
        await asyncio.gather(*(one.kill() for one in self.all))

    def any(self) -> ServiceProcess:
        return self.random.choice([one for one in self.all if one not in self.out])

    def client(self, service: ServiceProcess | None = None, **options: Any) -> httpx.AsyncClient:
        """For one of them, or for any."""
        transport = httpx.AsyncHTTPTransport() if service else Balancer(self)
        url = service.url if service else "http://127.0.0.1"
        return httpx.AsyncClient(**{"transport": transport, "base_url": url, "timeout": 60, **options})

    def blocking_client(self, **options: Any) -> httpx.Client:
        return httpx.Client(
            **{"transport": BlockingBalancer(self), "base_url": "http://127.0.0.1", "timeout": 60, **options}
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()


class Balancer(httpx.AsyncHTTPTransport):
    """Sends each request to a replica at random; one that nobody could take in goes to the next."""

    def __init__(self, replicas: Replicas) -> None:
        super().__init__()
        self._replicas = replicas

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while True:
            service = self._replicas.any()
            request.url = request.url.copy_with(host="127.0.0.1", port=service.port)
            try:
                reply = await super().handle_async_request(request)
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
                continue
            reply.extensions["replica"] = service
            return reply


class BlockingBalancer(httpx.HTTPTransport):
    """The same for replicas that all live."""

    def __init__(self, replicas: Replicas) -> None:
        super().__init__()
        self._replicas = replicas

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host="127.0.0.1", port=self._replicas.any().port)
        return super().handle_request(request)
