"""A stand-in for a provider: records every request as it arrived and answers from a script, odd bytes included.

    async with ScriptedUpstream(script=answer("Hello")) as up:
        client = openai.OpenAI(base_url=up.url, api_key="any")
        ...
        assert up.requests[0].header("authorization") == "Bearer any"

It speaks HTTP/1.1 on asyncio streams itself rather than through a server library: a library would tidy up exactly
what the tests are about (repeated headers, chunk boundaries, a reset in mid-stream, a client that leaves), and would
cost more per request than the proxy under measurement. Alone: `python -m memproxy.testing.upstream --port 9000`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click

from memproxy.testing.exchange import BadFraming, End, Reply, Request, Script, read_body, read_head
from memproxy.testing.replies import error
from memproxy.testing.scripts import answer, answer_by, echo, embeddings, first, models, recite

LIMIT = 1 << 20
"""Longest head that is taken; no client sends more."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _Connection(asyncio.StreamReaderProtocol):
    """One client connection: reads requests one after another, and notices at once when the client leaves."""

    def __init__(self, upstream: ScriptedUpstream) -> None:
        super().__init__(asyncio.StreamReader(limit=LIMIT), self._serve)
        self._upstream = upstream
        self._current: Request | None = None
        self.serving: asyncio.Task[None] | None = None

    def eof_received(self) -> bool:
        self._client_left()
        super().eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._client_left()
        super().connection_lost(exc)

    def _client_left(self) -> None:
        if self._current is None:
            return
        self._current.cancelled_at = time.monotonic()
        self._current = None
        if self.serving is not None:
            self.serving.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving = asyncio.current_task()
        self._upstream.connections.add(self)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # only this class cancels it, when the client has left or the upstream closes
        except BadFraming as fault:
            writer.write(b"".join(step for step in error(400, str(fault)).steps if isinstance(step, bytes)))
        finally:
            self._current = None
            self._upstream.connections.discard(self)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await read_head(reader)
        self._current = request
        self._upstream.record(request)
        if (request.header("expect") or "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await read_body(request, reader)
        end = await self._send(await self._upstream.reply(request), writer)
        self._current = None
        request.ended_at = time.monotonic()
        if end is End.RESET:
            _reset(writer)
        return end is None and (request.header("connection") or "").lower() != "close"

    async def _send(self, reply: Reply, writer: asyncio.StreamWriter) -> End | None:
        for step in reply.steps:
            if isinstance(step, End):
                return step
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, asyncio.Event):
                await step.wait()
            else:
                await asyncio.sleep(step)
        return None

    async def stop(self) -> None:
        if self.serving is not None:
            self.serving.cancel()
            await self.serving


def _reset(writer: asyncio.StreamWriter) -> None:
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


class ScriptedUpstream:
    """Listens on loopback while open. What `script` leaves unanswered gets the defaults: a chat answer, a model
    list, embeddings made from the text's hash, an echo for everything else. `keep=False` records nothing."""

    def __init__(
        self, *, script: Script | None = None, host: str = "127.0.0.1", port: int = 0, keep: bool = True
    ) -> None:
        defaults = (answer(), models, embeddings, echo)
        self.script: Script = first(*defaults) if script is None else first(script, *defaults)
        self.host = host
        self.port = port
        self.requests: list[Request] = []
        self.connections: set[_Connection] = set()
        self._keep = keep
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """A base URL as an SDK takes it."""
        return f"http://{self.host}:{self.port}/v1"

    @property
    def last(self) -> Request:
        return self.requests[-1]

    def record(self, request: Request) -> None:
        if self._keep:
            self.requests.append(request)

    async def reply(self, request: Request) -> Reply:
        return await self.script(request) or error(404, f"no script answers {request.method} {request.target}")

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), self.host, self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Drop all connections and let nobody connect, until `listen` is called again (on the same port)."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self.connections):
            await connection.stop()
        await self._server.wait_closed()
        self._server = None

    async def until(self, condition: Callable[[], object], *, deadline: float = 5.0) -> None:
        """Wait until `condition()` is true; `TimeoutError` after `deadline` seconds."""
        async with asyncio.timeout(deadline):
            while not condition():  # noqa: ASYNC110 - what is awaited is any fact a test can state, not one event
                await asyncio.sleep(0.001)

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.refuse()


@click.command()
@click.option("--port", default=9000, show_default=True)
@click.option("--text", default=None, help="The answer to every chat; without it, what the prompt knows is repeated.")
@click.option("--chunks", default=0, help="Stream in this many content chunks; 0: one per word.")
@click.option("--delay", default=0.0, help="Seconds between chunks.")
def main(port: int, text: str | None, chunks: int, delay: float) -> None:
    """Run the stand-in until interrupted. Example: python -m memproxy.testing.upstream --port 9000"""
    script = answer_by(recite, chunks=chunks, delay=delay) if text is None else answer(text, chunks=chunks, delay=delay)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(ScriptedUpstream(script=script, port=port, keep=False)))


async def _run(upstream: ScriptedUpstream) -> None:
    async with upstream:
        click.echo(upstream.url)
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
