"""WebSockets pass through as if the client spoke to the upstream itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from memproxy.testing.service import ServiceProcess


class Realtime:
    """A WebSocket server that says what it was asked and sends back what it gets."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.authorization: list[str | None] = []
        self.codes: list[int | None] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.targets.append(request.raw_path)
        self.authorization.append(request.headers.get("Authorization"))
        if request.headers.get("Upgrade", "").lower() != "websocket" or "refuse" in request.query:
            return web.json_response({"error": {"message": "no"}}, status=403)
        socket = web.WebSocketResponse(protocols=("realtime",), max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data == "bye":
                await socket.close(code=4001, message=b"as you say")
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)
        self.codes.append(socket.close_code)
        return socket


@asynccontextmanager
async def realtime() -> AsyncIterator[Realtime]:
    server = Realtime()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Realtime, ServiceProcess, aiohttp.ClientSession]]:
    async with (
        realtime() as server,
        ServiceProcess(folder=folder, upstream=server.url) as service,
        aiohttp.ClientSession() as session,
    ):
        yield server, service, session


async def test_messages_of_every_kind_go_both_ways(tmp_path: Path):
    async with opened(tmp_path) as (server, service, session):
        headers = {"Authorization": "Bearer sk-own"}
        target = f"{service.url}/v1/realtime?model=m"
        async with session.ws_connect(target, protocols=("realtime",), headers=headers, max_msg_size=0) as socket:
            assert socket.protocol == "realtime"
            await socket.send_str("héllo")
            assert await socket.receive_str() == "héllo"
            large = bytes(range(256)) * 20_000
            await socket.send_bytes(large)
            assert await socket.receive_bytes() == large
        assert (server.targets, server.authorization) == (["/v1/realtime?model=m"], ["Bearer sk-own"])


async def test_the_code_by_which_the_upstream_closes_arrives(tmp_path: Path):
    async with (
        opened(tmp_path) as (_, service, session),
        session.ws_connect(f"{service.url}/v1/realtime") as socket,
    ):
        await socket.send_str("bye")
        closed = await socket.receive()
        assert (closed.type, closed.data, closed.extra) == (WSMsgType.CLOSE, 4001, "as you say")


async def test_an_upgrade_that_the_upstream_refuses_is_refused_in_its_words(tmp_path: Path):
    async with opened(tmp_path) as (_, service, session):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{service.url}/v1/realtime?refuse=1")
        assert refused.value.status == 403


async def test_a_client_that_leaves_takes_the_upstream_connection_with_it(tmp_path: Path):
    async with opened(tmp_path) as (server, service, session):
        socket = await session.ws_connect(f"{service.url}/v1/realtime")
        await socket.send_str("hi")
        await socket.receive_str()
        response = socket._response.connection
        assert response is not None
        assert response.transport is not None
        response.transport.abort()
        async with asyncio.timeout(5):
            while not server.codes:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        assert server.codes == [1006]


async def test_an_upstream_that_is_away_is_a_502(tmp_path: Path):
    async with (
        ServiceProcess(folder=tmp_path, upstream="http://127.0.0.1:9/v1") as service,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{service.url}/v1/realtime")
        assert refused.value.status == 502
