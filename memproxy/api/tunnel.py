"""WebSockets: two connections tied together, byte for byte.

The upgrade is forwarded like a request, with the upstream's credential; from then on nobody looks at what passes.
Re-framing messages with a WebSocket library was rejected: fragments, pings, close codes and extensions would be ours.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from memproxy.errors import UpstreamError, UpstreamTimeout

PIECE = 1 << 16
FULL = 1 << 20
"""Bytes that wait for a slow reader before the other side is not read any more."""
LOOK_AGAIN = 0.005
"""Seconds: aiohttp does not tell when a transport it owns has drained."""


class Tunnelled(web.StreamResponse):
    """Stands for a reply that is out already; aiohttp has nothing to write."""

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes | bytearray | memoryview = b"") -> None:
        return None


class _ToUpstream:
    """In the place of aiohttp's WebSocket parser: takes what the client sends."""

    def __init__(self, writer: asyncio.StreamWriter, client: asyncio.Transport) -> None:
        self._writer = writer
        self._client = client
        self._full = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > FULL:
            self._client.pause_reading()
            self._full.set()
        return False, b""

    def feed_eof(self) -> None:
        self._writer.close()

    def set_exception(self, *_: object) -> None:
        self._writer.close()

    async def keep_up(self) -> None:
        """Let the client go on when the upstream has caught up."""
        while True:
            await self._full.wait()
            await self._writer.drain()
            self._full.clear()
            self._client.resume_reading()


async def tunnel(
    request: web.BaseRequest, url: URL, headers: CIMultiDict[str], *, connect_timeout: float
) -> web.StreamResponse:
    """Ties the client to `url` until one of them leaves. Raises `UpstreamTimeout` and `UpstreamError` before that."""
    reader, writer = await _connect(url, connect_timeout)
    client = cast(asyncio.Transport, request.transport)
    try:
        writer.write(_head(request, url, headers))
        way_up = _ToUpstream(writer, client)
        request.protocol.keep_alive(False)
        request.protocol.set_parser(cast(Any, way_up))
        async with asyncio.TaskGroup() as group:
            keeping_up = group.create_task(way_up.keep_up())
            await _copy(reader, client)
            keeping_up.cancel()
    finally:
        writer.close()
    client.close()
    return Tunnelled()


async def _connect(url: URL, patience: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    secure = ssl.create_default_context() if url.scheme in ("https", "wss") else None
    try:
        async with asyncio.timeout(patience):
            return await asyncio.open_connection(url.host, url.port, ssl=secure)
    except TimeoutError as exc:
        raise UpstreamTimeout(f"the upstream {url.host} did not answer in time; see upstream_connect_timeout") from exc
    except OSError as exc:
        raise UpstreamError(
            f"the upstream {url.host} cannot be reached: {exc.strerror or 'connection failed'}"
        ) from exc


def _head(request: web.BaseRequest, url: URL, headers: CIMultiDict[str]) -> bytes:
    host = url.host or ""
    named = [("Host", host if url.is_default_port() else f"{host}:{url.port}")]
    upgrade = [(name, request.headers[name]) for name in ("Connection", "Upgrade") if name in request.headers]
    lines = [f"{name}: {value}" for name, value in (*named, *upgrade, *headers.items())]
    return "\r\n".join([f"{request.method} {url.raw_path_qs} HTTP/1.1", *lines, "", ""]).encode(
        "utf-8", "surrogateescape"
    )


async def _copy(reader: asyncio.StreamReader, client: asyncio.Transport) -> None:
    try:
        while (piece := await reader.read(PIECE)) and not client.is_closing():
            client.write(piece)
            while client.get_write_buffer_size() > FULL and not client.is_closing():  # noqa: ASYNC110 - see LOOK_AGAIN
                await asyncio.sleep(LOOK_AGAIN)
    except OSError:
        return  # the upstream broke the connection: so does the client's end
