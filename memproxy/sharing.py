"""Takes connections from a socket that several processes listen on: each takes one when no other has fewer.

Connections live long, so whoever takes them decides who works. asyncio's own server takes all that wait at once, and on
a busy machine one worker then has them all; a socket for each worker (SO_REUSEPORT) has the kernel deal them out by a
hash, which is as even as tossing coins, and loses what was dealt to one that has just died.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from aiohttp import web

from memproxy.peers import Peers
from memproxy.tasks import Tasks

log = logging.getLogger(__name__)

COURTESY = 0.003
"""Seconds that one with more connections leaves a new one to the others; who is busy for longer does not get it."""
SHORTAGE = 1.0
"""Seconds until it is tried again where the system has no file for another connection."""


class SharedSite(web.BaseSite):
    def __init__(self, runner: web.AppRunner, one: socket.socket, *, peers: Peers, tasks: Tasks, backlog: int) -> None:
        super().__init__(runner, backlog=backlog)
        self._one = one
        self._peers = peers
        self._tasks = tasks
        self._connecting = 0
        self._waits: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        return f"socket {self._one.fileno()}"

    async def start(self) -> None:
        await super().start()
        self._one.setblocking(False)
        self._one.listen(self._backlog)
        self._watch(self._offered)

    async def stop(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
        asyncio.get_running_loop().remove_reader(self._one)
        self._one.close()
        await super().stop()

    def _offered(self) -> None:
        if self._peers.ahead(self._connections):
            self._pause(COURTESY)
        else:
            self._take()

    def _take(self) -> None:
        self._watch(self._offered)
        try:
            taken, _ = self._one.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another has it, or it is gone
            return
        except OSError as error:
            log.error("no connection can be taken", extra={"error": error.strerror})
            self._pause(SHORTAGE)
            return
        taken.setblocking(False)
        self._connecting += 1
        self._tasks.start("connection", self._connect(taken))

    async def _connect(self, taken: socket.socket) -> None:
        assert self._runner.server is not None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._runner.server, taken)
        finally:
            self._connecting -= 1

    @property
    def _connections(self) -> int:
        assert self._runner.server is not None
        return len(self._runner.server.connections) + self._connecting

    def _pause(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._one)
        self._waits = loop.call_later(seconds, self._watch, self._take)

    def _watch(self, then: Callable[[], None]) -> None:
        asyncio.get_running_loop().add_reader(self._one, then)
