"""A service that answers what the test says, and notes what it was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from memproxy.testing.service import free_port


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Service:
    """Answers in the order of `replies`, the last of them again and again."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    replies: list[Callable[[web.Request], web.StreamResponse]] = field(default_factory=list)

    def answers(self, *bodies: Any, status: int = 200, type: str = "application/json", **headers: str) -> None:
        def reply(body: Any) -> Callable[[web.Request], web.StreamResponse]:
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            return lambda _: web.Response(status=status, body=text, headers={"Content-Type": type, **headers})

        self.replies = [reply(body) for body in bodies]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(
            Seen(
                request.method,
                request.raw_path.partition("?")[0],
                dict(request.query),
                dict(request.headers),
                await request.read(),
            )
        )
        return (self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])(request)


@asynccontextmanager
async def scripted_service() -> AsyncIterator[Service]:
    port = free_port()
    running = Service(f"http://127.0.0.1:{port}")
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", running.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield running
    await runner.cleanup()
