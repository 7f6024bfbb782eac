"""The edge: listeners, routes, the last line of defence for errors, and shutdown.

    stop accepting ─► let running requests end, up to a deadline ─► cancel ─► (app.py closes what was opened)

Every exception that was raised on purpose arrives here and becomes an error in the caller's dialect; any other is a
bug, logged with its place, and a plain 500 for the caller.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

from aiohttp import web

from memproxy.api.data_plane import DataPlane
from memproxy.api.problems import problem, refused
from memproxy.api.relay import strip_defaults
from memproxy.dialects import routes
from memproxy.errors import BodyTooLarge, Draining, Forbidden, MemproxyError, NotFound
from memproxy.ids import new_id
from memproxy.listening import BACKLOG, Door, Doors, unavailable
from memproxy.logs import request_id
from memproxy.metrics import Metrics
from memproxy.peers import Peers
from memproxy.sharing import SharedSite
from memproxy.tasks import Tasks

log = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LOCAL_HOST = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?", re.IGNORECASE)


class Server:
    """Serves the data plane and the API on one listener, and administration on a second one where asked to."""

    def __init__(
        self,
        *,
        plane: DataPlane,
        public: Sequence[web.RouteDef],
        admin: Sequence[web.RouteDef],
        metrics: Metrics,
        peers: Peers,
        tasks: Tasks,
        local_only: bool,
    ) -> None:
        self._plane = plane
        self._public = public
        self._admin = admin
        self._metrics = metrics
        self._peers = peers
        self._tasks = tasks
        self._local_only = local_only
        self._runners: list[web.AppRunner] = []
        self._running = 0
        self._draining = False
        self._quiet = asyncio.Event()
        metrics.in_flight.set_function(lambda: self._running)

    async def start(self, doors: Doors) -> None:
        """Raises `ConfigError` where an address cannot be had."""
        both = [*self._public, *self._admin] if doors.admin is None else self._public
        await self._listen(self._app(both, data=True), doors.public, shared=self._peers.workers > 1)
        if doors.admin is not None:
            await self._listen(self._app(self._admin, data=False), doors.admin, shared=False)

    async def stop(self, *, deadline: float, hurry: asyncio.Event) -> None:
        """Stop accepting, wait for running requests up to `deadline` seconds or until `hurry` is set, then cancel."""
        self._draining = True
        for runner in self._runners:
            for site in tuple(runner.sites):
                await site.stop()
        if self._running:
            log.info("waiting for running requests", extra={"requests": self._running, "deadline": deadline})
            waits = [asyncio.ensure_future(self._quiet.wait()), asyncio.ensure_future(hurry.wait())]
            await asyncio.wait(waits, timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        for runner in self._runners:
            await runner.cleanup()

    def _app(self, routes: Sequence[web.RouteDef], *, data: bool) -> web.Application:
        app = web.Application(handler_args={"auto_decompress": False})
        app.on_response_prepare.append(strip_defaults)
        for route in routes:
            app.router.add_route(route.method, route.path, self._api(route.handler))
        app.router.add_route("*", "/{path:.*}", self._data if data else self._api(_nothing))
        return app

    async def _listen(self, app: web.Application, door: Door, *, shared: bool) -> None:
        """`shared`: connections are so many that the workers should have as many each."""
        # A handler is cancelled when its client leaves; its own deadline here is short, since `stop` has waited.
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        self._runners.append(runner)
        for one in door.sockets:
            try:
                await self._site(runner, one, shared=shared).start()
            except OSError as exc:  # another program was bound to it as well, and began to listen first
                raise unavailable(door.setting, door.address, exc) from exc

    def _site(self, runner: web.AppRunner, one: socket.socket, *, shared: bool) -> web.BaseSite:
        if shared:
            return SharedSite(runner, one, peers=self._peers, tasks=self._tasks, backlog=BACKLOG)
        return web.SockSite(runner, one, backlog=BACKLOG)

    async def _data(self, request: web.Request) -> web.StreamResponse:
        rid = new_id()

        def explain(error: MemproxyError, request_id: str) -> web.Response:
            # Whose shape it takes is looked up only where there is an error to tell.
            return refused(routes.spoken(request.method, request.path, request.headers), error, request_id)

        return await self._guard(request, rid, lambda: self._plane.handle(request, rid), explain)

    def _api(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            return await self._guard(request, new_id(), lambda: handler(request), problem)

        return guarded

    async def _guard(
        self,
        request: web.Request,
        rid: str,
        work: Callable[[], Awaitable[web.StreamResponse]],
        explain: Callable[[MemproxyError, str], web.Response],
    ) -> web.StreamResponse:
        """Run one request: counted, named in the log, its errors explained to the caller."""
        request_id.set(rid)
        start = perf_counter()
        status = 499  # as nginx says: the client left before there was one
        self._running += 1
        try:
            self._refuse(request)
            response = await work()
            status = response.status
        except MemproxyError as exc:
            status = exc.status
            response = explain(exc, rid)
            _close_unread(response, exc)
        except Exception:
            log.exception("a request failed by a bug")
            status = 500
            response = explain(MemproxyError(f"memproxy failed; its log says why, under request {rid}"), rid)
        finally:
            self._ended(request, status, perf_counter() - start)
        return response

    def _refuse(self, request: web.Request) -> None:
        if self._draining:
            raise Draining("memproxy is shutting down; send the request again")
        # Without keys, a web page must not reach the memory by a name that it has pointed at this machine.
        if self._local_only and not _LOCAL_HOST.fullmatch(request.host):
            raise Forbidden("without keys, memproxy answers to localhost only; set auth to keys", param="Host")

    def _ended(self, request: web.Request, status: int, seconds: float) -> None:
        self._running -= 1
        self._metrics.answered(status, seconds)
        if self._draining and not self._running:
            self._quiet.set()
        # A line for each good request costs a tenth of passing it on; who wants them sets the level.
        level = logging.DEBUG if status < 400 else logging.INFO
        if log.isEnabledFor(level):
            ms = round(1000 * seconds, 1)
            log.log(level, "request", extra={"method": request.method, "status": status, "ms": ms})


async def _nothing(_: web.Request) -> web.StreamResponse:
    raise NotFound("there is nothing at this path on the admin listener")


def _close_unread(response: web.Response, error: MemproxyError) -> None:
    """A body that was refused for its size is not read to its end for the sake of the next request."""
    if isinstance(error, BodyTooLarge):
        response.force_close()
