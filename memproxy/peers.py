"""What the processes of one service share, and how one of them asks the others.

    ask ─► a datagram to each that is up, with a socket in it ─► its answer comes through that socket

All of it is made before the processes are forked and has no name in the file system: nobody else can reach it, and
nothing is left behind however they end. A service of one process has no peers, and asks nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from memproxy.errors import StoreUnavailable
from memproxy.tasks import Tasks

Answer = Callable[..., Awaitable[bytes]]
"""Takes the words of a question."""

_LARGEST = 65536
"""Bytes of a question: a few ids."""
_END = b"\0"
"""What an answer lacks whose sender died."""
_PATIENCE = 30.0
"""Seconds for what all others must have done before a caller is told that it is done."""


class Peers:
    """Made once by the parent; `join` tells each process which one it is."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self.index = 0
        self._page = memoryview(mmap.mmap(-1, 4 * (1 + 2 * workers))).cast("I")
        """Whether background work is paused; then of each process whether it is up, and how many connections it has."""
        kind = socket.SOCK_DGRAM
        self._ends = [socket.socketpair(socket.AF_UNIX, kind) for _ in range(workers)] if workers > 1 else []
        for pair in self._ends:
            for end in pair:
                end.setblocking(False)

    @property
    def paused(self) -> bool:
        return bool(self._page[0])

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._page[0] = paused

    def up(self, index: int, up: bool) -> None:
        """Only who is up is asked."""
        self._page[1 + 2 * index] = up

    def ahead(self, connections: int) -> bool:
        """Note how many this process has; whether another that is up has fewer."""
        self._page[2 + 2 * self.index] = connections
        return any(self._page[2 + 2 * index] < connections for index in self._others())

    def _others(self) -> list[int]:
        return [index for index in range(self.workers) if index != self.index and self._page[1 + 2 * index]]

    def join(self, index: int) -> None:
        self.index = index

    def start(self, answers: Mapping[str, Answer], tasks: Tasks) -> None:
        """Answer questions from now on, by their first word."""
        if self._ends:
            mine = self._ends[self.index][1]
            asyncio.get_running_loop().add_reader(mine, self._take, mine, answers, tasks)
        self.up(self.index, True)

    def stop(self) -> None:
        self.up(self.index, False)
        if self._ends:
            asyncio.get_running_loop().remove_reader(self._ends[self.index][1])

    def close(self) -> None:
        for pair in self._ends:
            for end in pair:
                end.close()

    async def ask(self, *question: str, deadline: float) -> list[bytes]:
        """The answers of the others, without those that did not come within `deadline` seconds."""
        return [answer for answer in await self._ask_all(question, deadline) if answer is not None]

    async def tell(self, *question: str) -> None:
        """Returns when all others have done it. Raises `StoreUnavailable` where one has not said so."""
        if None in await self._ask_all(question, _PATIENCE):
            raise StoreUnavailable("Another worker of this service does not answer. Repeat the call.")

    async def _ask_all(self, question: Sequence[str], deadline: float) -> list[bytes | None]:
        return await asyncio.gather(*(self._ask(index, question, deadline) for index in self._others()))

    async def _ask(self, index: int, question: Sequence[str], deadline: float) -> bytes | None:
        mine, theirs = socket.socketpair()
        mine.setblocking(False)
        with mine:
            try:
                with theirs:
                    socket.send_fds(self._ends[index][0], [msgspec.json.encode(question)], [theirs.fileno()])
                async with asyncio.timeout(deadline):
                    return await _read(mine)
            except (OSError, TimeoutError):
                return None

    def _take(self, mine: socket.socket, answers: Mapping[str, Answer], tasks: Tasks) -> None:
        try:
            question, sockets, _, _ = socket.recv_fds(mine, _LARGEST, 1)
        except BlockingIOError:
            return
        asker = socket.socket(fileno=sockets[0])
        tasks.start("answer to a worker", _answer(asker, msgspec.json.decode(question, type=list[str]), answers))


async def _answer(asker: socket.socket, question: list[str], answers: Mapping[str, Answer]) -> None:
    """What fails is not answered: whoever asked then knows."""
    with asker, contextlib.suppress(OSError):
        asker.setblocking(False)
        answer = await answers[question[0]](*question[1:])
        await asyncio.get_running_loop().sock_sendall(asker, answer + _END)


async def _read(end: socket.socket) -> bytes | None:
    answer = b""
    while piece := await asyncio.get_running_loop().sock_recv(end, _LARGEST):
        answer += piece
    return answer.removesuffix(_END) if answer.endswith(_END) else None
