"""The life of a process that serves: opened, told to end, and closed."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys

from memproxy.app import service
from memproxy.config import Settings
from memproxy.tasks import Tasks
from memproxy.workers import Place

log = logging.getLogger(__name__)

# Reference counts free what a request made; cycles are few, and looking for them less often costs a little memory.
COLLECT = (20_000, 20, 20)
# A fifth of Python's default, in seconds.
SWITCH = 0.001


async def serve(settings: Settings, place: Place | None = None) -> int:
    """Run until SIGTERM or SIGINT; a second signal cuts the farewell short. With a `place` this is one of several
    workers, and its parent says when. Returns the exit status: 1 where a side task died, since a service without its
    writer or worker must not look alive."""
    stop, hurry = asyncio.Event(), asyncio.Event()
    died: list[str] = []

    def on_death(name: str, _: BaseException) -> None:
        died.append(name)
        stop.set()

    def on_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    if place is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, on_signal)
    else:
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        place.tie.watch(stop, hurry)
    async with service(settings, Tasks(on_death=on_death), place.peers if place else None) as running:
        await running.start(place.doors if place else None)
        # What is loaded now stays: the collector need not walk it again and again while chats wait.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
        # Threads that read rows or embed hold the interpreter no longer than this when a chat wants it.
        sys.setswitchinterval(SWITCH)
        log.info(
            "memproxy is listening",
            extra={"listen": settings.listen, "upstream": _host(settings.upstream), "auth": settings.auth_mode},
        )
        if place is not None:
            place.tie.ready()
        await stop.wait()
        log.info("shutting down", extra={"deadline": settings.shutdown_timeout})
        await running.stop(deadline=settings.shutdown_timeout, hurry=hurry)
    return 1 if died else 0


def _host(url: str) -> str:
    return url.partition("://")[2].rpartition("@")[2]
