"""For whoever runs memproxy: health, readiness, metrics, and the switch of the background worker."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from aiohttp import web
from prometheus_client import generate_latest

from memproxy.augment.worker import Worker
from memproxy.errors import Forbidden, MemproxyError, StoreUnavailable, Unauthorized
from memproxy.journal import Journal
from memproxy.metrics import Metrics, merged
from memproxy.peers import Peers
from memproxy.ports import Jobs
from memproxy.watch import Watch

log = logging.getLogger(__name__)
Check = Callable[[], Awaitable[None]]
PATIENCE = 5.0
"""Seconds that another worker gets to tell its metrics: Prometheus gives up after ten."""
DEPTH = 2.0
"""Seconds that reading the queue may take for the metrics."""


class Operations:
    """`keys_first`: without the store there are no keys, so nobody is served before it was reached once. `optional` are
    checks of parts without which memory still works, by words."""

    def __init__(
        self,
        *,
        watch: Watch,
        journal: Journal,
        optional: Mapping[str, Check],
        keys_first: bool,
        worker: Worker,
        jobs: Jobs,
        metrics: Metrics,
        peers: Peers,
        admin_key: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._watch = watch
        self._journal = journal
        self._optional = optional
        self._keys_first = keys_first
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
        """200 while chats are answered and remembered, be it in the journal: a store that is away must not take every
        replica out of service. Each part says what it lacks."""
        parts = {
            "store": await _state(self._ask_store),
            "journal": await _state(self._journal_takes),
            **{name: await _state(check) for name, check in self._optional.items()},
        }
        waiting = self._journal.turns
        lost = not self._watch.up and parts["journal"] != "ok"
        if parts["journal"] == "ok" and waiting:
            parts["journal"] = f"{waiting} turns wait for the store"
        failed = lost or (self._keys_first and not self._watch.reached)
        status = "unavailable" if failed else "ready" if set(parts.values()) == {"ok"} else "degraded"
        return web.json_response({"status": status, "parts": parts}, status=503 if failed else 200)

    async def _ask_store(self) -> None:
        self._watch.require()

    async def _journal_takes(self) -> None:
        """Asked where it matters alone: it writes to the disk."""
        if not self._watch.up:
            await self._journal.check()

    async def metrics(self, request: web.Request) -> web.Response:
        """While the store is away, the queue is told as it was read last."""
        self._admin(request, key_required=False)
        others = await self._peers.ask("metrics", deadline=PATIENCE)
        self._metrics.found(1 + len(others), of=self._peers.workers)
        if self._watch.up:
            await self._read_depth()
        body = merged([await self.counted(), *others, generate_latest(self._metrics.whole)])
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    async def counted(self) -> bytes:
        """The metrics of this process alone."""
        return self._metrics.render(worker=self._peers.index if self._peers.workers > 1 else None)

    async def _read_depth(self) -> None:
        try:
            async with asyncio.timeout(DEPTH):
                self._metrics.queue_depth(await self._jobs.depth(), self._clock().timestamp())
        except (StoreUnavailable, TimeoutError):
            log.debug("the job queue cannot be read")

    async def worker_state(self, request: web.Request) -> web.Response:
        self._admin(request)
        return await self._jobs_now()

    async def pause(self, request: web.Request) -> web.Response:
        self._admin(request)
        self._worker.pause()
        return await self._jobs_now()

    async def resume(self, request: web.Request) -> web.Response:
        self._admin(request)
        self._worker.resume()
        return await self._jobs_now()

    async def _jobs_now(self) -> web.Response:
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


async def _state(check: Check) -> str:
    try:
        await check()
    except MemproxyError as exc:
        return str(exc)
    return "ok"


def _from_loopback(request: web.Request) -> bool:
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
