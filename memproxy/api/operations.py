"""For whoever runs memproxy: health, readiness, metrics, and the switch of the background worker."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from aiohttp import web
from prometheus_client import generate_latest

from memproxy.augment.worker import Worker
from memproxy.errors import Forbidden, MemproxyError, Unauthorized
from memproxy.metrics import Metrics, merged
from memproxy.peers import Peers
from memproxy.ports import Jobs

Check = Callable[[], Awaitable[None]]
PATIENCE = 1.0
"""Seconds that another worker gets to tell its metrics: Prometheus waits ten."""


class Operations:
    """`checks` are what `/readyz` asks, by name; a check in `optional` only degrades memory when it fails."""

    def __init__(
        self,
        *,
        checks: Mapping[str, Check],
        optional: frozenset[str],
        worker: Worker,
        jobs: Jobs,
        metrics: Metrics,
        peers: Peers,
        admin_key: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._checks = checks
        self._optional = optional
        self._worker = worker
        self._jobs = jobs
        self._metrics = metrics
        self._peers = peers
        self._admin_key = admin_key
        self._clock = clock

    def public_routes(self) -> list[web.RouteDef]:
        return [web.get("/healthz", self.healthz), web.get("/readyz", self.readyz)]

    def admin_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/metrics", self.metrics),
            web.get("/admin/v1/jobs", self.worker_state),
            web.post("/admin/v1/jobs/pause", self.pause),
            web.post("/admin/v1/jobs/resume", self.resume),
        ]

    async def healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(self, _: web.Request) -> web.Response:
        """200 while chats can be remembered; each part says what it lacks. Without a model memory still works, by
        words alone, so that is said and not fatal."""
        parts: dict[str, str] = {}
        failed = False
        for name, check in self._checks.items():
            try:
                await check()
                parts[name] = "ok"
            except MemproxyError as exc:
                parts[name] = str(exc)
                failed = failed or name not in self._optional
        status = "unavailable" if failed else "ready" if set(parts.values()) == {"ok"} else "degraded"
        return web.json_response({"status": status, "parts": parts}, status=503 if failed else 200)

    async def metrics(self, request: web.Request) -> web.Response:
        self._admin(request, key_required=False)
        others = await self._peers.ask("metrics", deadline=PATIENCE)
        self._metrics.found(1 + len(others), of=self._peers.workers)
        self._metrics.queue_depth(await self._jobs.depth(), self._clock().timestamp())
        body = merged([await self.counted(), *others, generate_latest(self._metrics.whole)])
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    async def counted(self) -> bytes:
        """The metrics of this process alone."""
        return self._metrics.render(worker=self._peers.index if self._peers.workers > 1 else None)

    async def worker_state(self, request: web.Request) -> web.Response:
        self._admin(request)
        return await self._state()

    async def pause(self, request: web.Request) -> web.Response:
        self._admin(request)
        self._worker.pause()
        return await self._state()

    async def resume(self, request: web.Request) -> web.Response:
        self._admin(request)
        self._worker.resume()
        return await self._state()

    async def _state(self) -> web.Response:
        depth = await self._jobs.depth()
        counts = {"pending": depth.pending, "running": depth.running, "dead": depth.dead}
        return web.json_response({"paused": self._worker.paused, **counts})

    def _admin(self, request: web.Request, *, key_required: bool = True) -> None:
        """The admin key where one is set; without one, only from this machine."""
        if self._admin_key is None:
            if not _from_loopback(request):
                raise Forbidden("set `admin_key` to use this from another machine", param="admin_key")
            return
        if not key_required and _from_loopback(request):
            return
        given = request.headers.get("Authorization", "").partition(" ")[2]
        if not hmac.compare_digest(given.encode(), self._admin_key.encode()):
            raise Unauthorized("this needs the admin key as `Authorization: Bearer ...`", param="Authorization")


def _from_loopback(request: web.Request) -> bool:
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
