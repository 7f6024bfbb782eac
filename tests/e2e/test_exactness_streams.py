"""Nothing waits for memory: each piece of a reply goes on before the next one is made, and an end is an end for all."""

from __future__ import annotations

import asyncio
import json
import math

import httpx
import pytest

from memproxy.testing.exchange import End, Reply
from memproxy.testing.replies import DONE, LAST_CHUNK, SSE, head
from memproxy.testing.scripts import always, answer
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .wire import ODD, PATHS, exchange, plain

CHAT = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
PIECES = (
    b": ping\r\n\r\n",
    'data: {"choices":[{"index":0,"delta":{"content":"\u4e2d"}}]}\n\n'.encode()[:-7],  # inside the character
    'data: {"choices":[{"index":0,"delta":{"content":"\u4e2d"}}]}\n\n'.encode()[-7:],
    b"data: {",
    b"}\r",
    b"\n\r\nid: 1\n",
    b"\n",
)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_each_piece_of_a_stream_goes_on_before_the_next_is_made(
    service: ServiceProcess, up: ScriptedUpstream, person: str, path: str
):
    turns = [asyncio.Event() for _ in PIECES]
    steps: list = [head(200, (*SSE, ("transfer-encoding", "chunked")))]
    for piece, turn in zip(PIECES, turns, strict=True):
        steps += [turn, b"%x\r\n%b\r\n" % (len(piece), piece)]
    up.script = always(Reply((*steps, LAST_CHUNK)))
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(plain("POST", path, ODD, b"X-Memproxy-Entity: " + person.encode()))
    async with asyncio.timeout(10):
        await reader.readuntil(b"\r\n\r\n")  # the status line does not wait for the first piece either
        for piece, turn in zip(PIECES, turns, strict=True):
            turn.set()
            assert await reader.readuntil(b"\r\n") == b"%x\r\n" % len(piece)
            assert await reader.readexactly(len(piece) + 2) == piece + b"\r\n"
        assert await reader.read() == LAST_CHUNK
    writer.close()


async def test_a_large_upload_goes_on_before_all_of_it_has_come(service: ServiceProcess, up: ScriptedUpstream):
    async def pieces():
        for number in range(1, 5):
            yield b"x" * 65536
            await up.until(lambda number=number: up.requests and len(up.last.body) == number * 65536)

    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        await http.post(f"{service.url}/v1/files", content=pieces())
    assert len(up.last.body) == 4 * 65536


@pytest.mark.parametrize("ending", [(End.CLOSE,), (End.RESET,)], ids=["closed", "reset"])
async def test_a_stream_that_breaks_off_breaks_off_for_the_client_too(
    service: ServiceProcess, up: ScriptedUpstream, person: str, ending: tuple
):
    up.script = answer("one two three", upto=3, end=ending)
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "I fish."}]}).encode()
    reply = await exchange(service.port, plain("POST", f"/e/{person}/v1/chat/completions", body))
    assert b"[DONE]" not in reply
    assert not reply.endswith(LAST_CHUNK)
    assert b"two" in reply
    await service.settled(entity=person)
    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
        hits = (await http.post(f"/memory/v1/entities/{person}/recall", json={"query": "fish two"})).json()["hits"]
    assert {hit["text"].strip() for hit in hits if hit["kind"] == "episode"} >= {"I fish.", "one two"}


async def test_an_upstream_that_falls_silent_in_the_midst_is_cut_and_told_apart_from_an_end(
    service: ServiceProcess, up: ScriptedUpstream, person: str
):
    # The service of these tests waits two seconds; by default it waits longer than any model thinks.
    up.script = answer("one two three", upto=3, end=(math.inf,))
    reply = await exchange(service.port, plain("POST", f"/e/{person}/v1/chat/completions", json.dumps(CHAT).encode()))
    assert b"two" in reply
    assert not reply.endswith(LAST_CHUNK)


@pytest.mark.parametrize("stream", [True, False])
async def test_when_the_client_leaves_the_upstream_is_left_at_once(
    service: ServiceProcess, up: ScriptedUpstream, person: str, stream: bool
):
    up.script = answer("one two three", upto=2, end=(math.inf,)) if stream else answer(first=math.inf)
    body = json.dumps({**CHAT, "stream": stream}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(plain("POST", f"/e/{person}/v1/chat/completions", body))
    if stream:
        await reader.readuntil(b"one")
    await up.until(lambda: up.requests and up.last.complete_at)
    writer.close()
    await up.until(lambda: up.last.cancelled_at, deadline=1.5)  # sooner than the upstream's silence would end it


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_many_clients_that_leave_at_once_leave_no_upstream_request_running(
    service: ServiceProcess, up: ScriptedUpstream, person: str, path: str
):
    turn = asyncio.Event()
    begun = head(200, (*SSE, ("transfer-encoding", "chunked"))) + b"4\r\n: hi\r\n"
    up.script = always(Reply((begun, turn)))
    request = plain("POST", path, ODD, b"X-Memproxy-Entity: " + person.encode())
    clients = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(100)]
    for at, (reader, writer) in enumerate(clients):
        writer.write(request)
        if at % 2:
            await reader.readuntil(b": hi")  # the others leave before anything has come
    await up.until(lambda: len(up.requests) == 100)
    for _, writer in clients:
        writer.transport.abort()
    await up.until(lambda: all(request.cancelled_at for request in up.requests), deadline=1.5)
    assert "by a bug" not in service.log_tail(100_000)


async def test_what_had_arrived_when_the_client_left_is_kept(
    service: ServiceProcess, up: ScriptedUpstream, person: str
):
    up.script = answer("Herons wade slowly", upto=3, end=(math.inf,))
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Tell me."}]}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(plain("POST", f"/e/{person}/v1/chat/completions", body))
    await reader.readuntil(b"wade")
    writer.close()
    await up.until(lambda: up.last.cancelled_at)
    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
        for _ in range(100):
            await service.settled(entity=person)
            hits = (await http.post(f"/memory/v1/entities/{person}/recall", json={"query": "herons"})).json()["hits"]
            if hits:
                break
            await asyncio.sleep(0.05)
    assert any("Herons wade" in hit["text"] for hit in hits)


async def test_a_usage_chunk_comes_to_those_who_asked_for_it_alone(
    service: ServiceProcess, up: ScriptedUpstream, person: str
):
    async with httpx.AsyncClient(trust_env=False) as http:
        for options in ({}, {"stream_options": {"include_usage": True}}):
            reply = await http.post(f"{service.url}/e/{person}/v1/chat/completions", json={**CHAT, **options})
            assert (b'"prompt_tokens"' in reply.content) is bool(options)
            assert reply.content.endswith(DONE)
