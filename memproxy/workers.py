"""`workers = N`: a parent that binds the port, forks N processes which serve on it, and starts again those that die.

    bind ─► the first worker ─► ready ─► the others         one died ─► in a while, another in its place
                └► it cannot start: the parent ends with its status

    parent ──► worker   END, HURRY; closed: the parent is gone, and the worker ends as well
    worker ──► parent   READY; closed: the worker is gone

All accept from the same sockets (`sharing.py`), so while one is started again no connection waits for it.

The parent runs nothing else, loads no library that starts threads, and so may fork at any time. Signals reach the
workers through it alone: a terminal and systemd signal every process of a group, which must not count as a second one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

from memproxy.config import Settings
from memproxy.listening import Doors, bind
from memproxy.peers import Peers

log = logging.getLogger(__name__)

END, HURRY, READY = b"e", b"h", b"r"

STEADY = 60.0
"""Seconds of service after which a death is the first again."""
TRIES = 5
"""Deaths in a row of every worker after which the parent gives up. While one is well it keeps trying for the others:
the store may be away, and chats pass without it."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
"""Seconds until a worker is started again; they double with each death in a row."""


class Tie:
    """A worker's end of what ties it to its parent."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def ready(self) -> None:
        with contextlib.suppress(OSError):  # a parent that is gone is noticed by `watch`
            self._end.send(READY)

    def watch(self, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        """Set them when the parent says so, or `stop` when it is gone."""
        self._end.setblocking(False)
        asyncio.get_running_loop().add_reader(self._end, self._heard, stop, hurry)

    def _heard(self, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        try:
            said = self._end.recv(16)
        except ConnectionResetError:  # it died with something of ours unread
            said = b""
        stop.set()
        if HURRY in said:
            hurry.set()
        if not said:
            asyncio.get_running_loop().remove_reader(self._end)


@dataclass(frozen=True, slots=True)
class Place:
    """What a worker gets from its parent."""

    doors: Doors
    peers: Peers
    tie: Tie


@dataclass(slots=True)
class Slot:
    """A worker's place, which has one process after another."""

    index: int
    pid: int = 0
    tie: socket.socket | None = None
    due: float | None = None
    """When it is to be started again."""
    ready_at: float | None = None
    deaths: int = 0
    """In a row."""

    @property
    def steady(self) -> bool:
        return self.ready_at is not None and monotonic() - self.ready_at >= STEADY


def supervise(settings: Settings, work: Callable[[Place], int]) -> int:
    """Run until a signal, and return the exit status. `work` is run in each worker, and gives its status. Raises
    `ConfigError` where an address cannot be had."""
    doors, peers = bind(settings), Peers(settings.workers)
    try:
        with _signals() as told:
            return Supervisor(doors, peers, work, told).run()
    finally:
        peers.close()
        doors.close()


class Supervisor:
    def __init__(self, doors: Doors, peers: Peers, work: Callable[[Place], int], told: socket.socket) -> None:
        self._doors, self._peers, self._work, self._told = doors, peers, work, told
        self._slots = [Slot(index) for index in range(peers.workers)]
        self._events = selectors.DefaultSelector()
        self._begun = False
        self._ending = False
        self._status = 0

    def run(self) -> int:
        self._events.register(self._told, selectors.EVENT_READ)
        self._slots[0].due = monotonic()
        while any(slot.pid or slot.due is not None for slot in self._slots):
            for slot in self._slots:
                if slot.due is not None and slot.due <= monotonic():
                    self._start(slot)
            for key, _ in self._events.select(self._patience()):
                if key.data is None:
                    self._signalled()
                else:
                    self._heard(key.data)
        self._events.close()
        return self._status

    def _patience(self) -> float | None:
        dues = [slot.due for slot in self._slots if slot.due is not None]
        return max(0.0, min(dues) - monotonic()) if dues else None

    def _start(self, slot: Slot) -> None:
        mine, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            mine.close()
            self._become(slot.index, theirs)
        theirs.close()
        slot.pid, slot.tie, slot.due, slot.ready_at = pid, mine, None, None
        self._events.register(mine, selectors.EVENT_READ, slot)

    def _become(self, index: int, tie: socket.socket) -> None:
        """In the new process, which ends here: what the parent was about to do is not its business."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal: the parent has it too, and says so
            self._events.close()
            for other in self._slots:
                if other.tie is not None:
                    other.tie.close()  # else it would not notice that the parent is gone
            self._peers.join(index)
            status = self._work(Place(self._doors, self._peers, Tie(tie)))
        except BaseException:  # noqa: BLE001 nothing of it may reach the parent's code
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _heard(self, slot: Slot) -> None:
        assert slot.tie is not None
        try:
            said = slot.tie.recv(16)
        except ConnectionResetError:  # it died with something of ours unread
            said = b""
        if not said:
            self._died(slot, slot.tie)
            return
        slot.ready_at = monotonic()
        if not self._begun:
            self._begun = True
            for other in self._slots[1:]:
                other.due = monotonic()

    def _died(self, slot: Slot, tie: socket.socket) -> None:
        self._events.unregister(tie)
        tie.close()
        _, how = os.waitpid(slot.pid, 0)
        status = os.waitstatus_to_exitcode(how)
        self._peers.up(slot.index, False)
        slot.deaths = 1 if slot.steady else slot.deaths + 1
        slot.pid, slot.tie, slot.ready_at = 0, None, None
        if self._ending or not self._begun:
            self._ended_with(status)
            return
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (slot.deaths - 1))
        ended = signal.Signals(-status).name if status < 0 else f"status {status}"
        if all(one.deaths >= TRIES and not one.steady for one in self._slots):
            log.critical("the workers die again and again; the service stops", extra={"ended": ended})
            self._ended_with(status or 1)
            self._end(END)
            return
        log.error(
            "a worker ended; another takes its place", extra={"worker": slot.index, "ended": ended, "seconds": pause}
        )
        slot.due = monotonic() + pause

    def _ended_with(self, status: int) -> None:
        """The first that was not 0 is told; a signal as shells tell it."""
        self._status = self._status or (128 - status if status < 0 else status)

    def _signalled(self) -> None:
        for _ in self._told.recv(64):
            self._end(HURRY if self._ending else END)

    def _end(self, word: bytes) -> None:
        """Tell all workers to end; the port is free as soon as they have heard it."""
        self._ending = True
        self._doors.close()
        for slot in self._slots:
            slot.due = None
            if slot.tie is not None:
                with contextlib.suppress(OSError):  # it has just died
                    slot.tie.send(word)


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket that gets a byte for each SIGTERM and SIGINT."""
    told, teller = socket.socketpair()
    with told, teller:
        told.setblocking(False)
        teller.setblocking(False)
        signal.set_wakeup_fd(teller.fileno())
        kept = {number: signal.signal(number, _noted) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield told
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in kept.items():
                signal.signal(number, handler)


def _noted(*_: object) -> None:
    """The wake-up socket has it."""
