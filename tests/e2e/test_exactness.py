"""Bytes are sacred: what passes arrives as it was sent, in both directions, and ends as it ended."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import time
from itertools import pairwise

import httpx
import pytest

from memproxy.testing.exchange import End, Reply
from memproxy.testing.replies import DONE, LAST_CHUNK, Answer, chunked, completion, error, raw, whole
from memproxy.testing.scripts import always, answer
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

ODD = (
    b'{ "model":"m","n":1e0,"big":12345678901234567890123,\n"dup":1,"dup":2, '
    b'"messages":[{"content":"a\\u00e9\\/","role":"user"}] }'
)
OURS = ("x-memproxy-memory", "x-memproxy-request-id", "x-memproxy-session", "x-memproxy-facts", "x-memproxy-tokens")


async def exchange(port: int, request: bytes) -> bytes:
    """Everything a server sends back for these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        reply = await reader.read()
    writer.close()
    return reply


def plain(method: str, path: str, body: bytes = b"", *headers: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", *headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def parts(reply: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Status line, end-to-end headers in order, body (chunk framing taken off)."""
    head, _, body = reply.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    chunked_body = any(line.lower() == b"transfer-encoding: chunked" for line in headers)
    kept = [
        line
        for line in headers
        if line.split(b":")[0].lower().decode() not in (*OURS, "transfer-encoding", "connection", "keep-alive")
    ]
    return status, kept, unchunked(body) if chunked_body else body


def unchunked(body: bytes) -> bytes:
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return out
        out, body = out + body[:length], body[length + 2 :]
    return out + b"<cut>"


REPLIES = {
    "repeated headers": whole(
        200, (("Set-Cookie", "a=1"), ("X-RateLimit-Remaining", "9"), ("set-cookie", "b=2")), b"hi"
    ),
    "no content type": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    "own date and server": whole(200, (("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Server", "theirs")), b"x"),
    "odd reason": raw(b"HTTP/1.1 299 Quite Alright\r\nContent-Length: 0\r\n\r\n"),
    "no content": raw(b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"),
    "not modified": raw(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
    "redirect": whole(302, (("Location", "http://127.0.0.1:1/elsewhere"),), b""),
    "rate limited": error(429, "slow down", headers=(("Retry-After", "7"),)),
    "server error that is not JSON": whole(500, (("Content-Type", "text/html"),), b"<h1>oops</h1>"),
    "gzip": whole(200, (("Content-Type", "application/json"), ("Content-Encoding", "gzip")), gzip.compress(b"{}")),
    "broken gzip": whole(200, (("Content-Type", "application/json"), ("Content-Encoding", "gzip")), b"not gzip"),
    "stream": chunked((b"data: {}\n\n", b": ping\r\n\r\n", b"data: [DO", b"NE]\n\n")),
    "stream with more after its end": chunked((b"data: [DONE]\n\n", b": bye\n\n")),
    "stream without an end": chunked((b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n',)),
    "garbage": whole(200, (("Content-Type", "application/json"),), b"\x00\xff{{{"),
}


@pytest.mark.parametrize("path", ["/v1/files/x?y=%2F&z", "/v1/chat/completions"])
@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
async def test_a_reply_arrives_as_the_upstream_sent_it(
    service: ServiceProcess, up: ScriptedUpstream, person: str, path: str, reply: Reply
):
    up.script = always(reply)
    request = plain("POST", path, ODD, b"X-Memproxy-Entity: " + person.encode())
    through, direct = await exchange(service.port, request), await exchange(up.port, request)
    assert parts(through) == parts(direct)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "PATCH", "PUT"])
async def test_every_method_passes(service: ServiceProcess, up: ScriptedUpstream, method: str):
    body = b"" if method in ("GET", "HEAD", "OPTIONS") else b'{"a":1}'
    up.script = always(whole(200, (("X-A", "1"),), b"" if method == "HEAD" else b"hi"))
    through = await exchange(service.port, plain(method, "/v1/things/1?a=%20b", body))
    assert (up.last.method, up.last.target, up.last.body) == (method, "/v1/things/1?a=%20b", body)
    assert parts(through) == parts(await exchange(up.port, plain(method, "/v1/things/1?a=%20b", body)))


@pytest.mark.parametrize("named", [True, False])
async def test_a_request_goes_on_from_its_original_bytes(
    service: ServiceProcess, up: ScriptedUpstream, person: str, named: bool
):
    headers = [b"X-Memproxy-Entity: " + person.encode(), b"X-Memproxy-Process: app"] if named else []
    await exchange(service.port, plain("POST", "/v1/chat/completions", ODD, b"X-Custom: a", b"X-Custom: b", *headers))
    assert up.last.body == ODD
    assert up.last.values("x-custom") == ["a", "b"]
    sent = {name.lower() for name, _ in up.last.headers}
    assert sent == {"host", "x-custom", "content-length"}, "nothing added, nothing of memproxy's own"


async def test_hop_by_hop_headers_stay_on_their_hop(service: ServiceProcess, up: ScriptedUpstream):
    hop = (
        b"Connection: close, X-Mine",
        b"X-Mine: 1",
        b"TE: trailers",
        b"Proxy-Authorization: Basic eA==",
        b"X-Kept: 1",
    )
    request = plain("GET", "/v1/models", b"", *hop).replace(b"Connection: close\r\n", b"", 1)
    await exchange(service.port, request)
    assert {name.lower() for name, _ in up.last.headers} == {"host", "x-kept"}


async def test_a_compressed_request_passes_as_it_is_and_is_understood(
    service: ServiceProcess, up: ScriptedUpstream, person: str
):
    up.script = always(completion(Answer("Noted."), "m"))
    body = gzip.compress(b'{"model":"m","messages":[{"role":"user","content":"I collect stamps."}]}')
    headers = {"Content-Encoding": "gzip", "X-Memproxy-Entity": person}
    async with httpx.AsyncClient(trust_env=False) as http:
        await http.post(f"{service.url}/v1/chat/completions", content=body, headers=headers)
        assert up.last.body == body
        assert up.last.header("content-encoding") == "gzip"
        await service.settled(entity=person)
        await http.post(
            f"{service.url}/v1/chat/completions",
            json={"model": "m", "messages": [{"role": "user", "content": "What do I collect?"}]},
            headers={"X-Memproxy-Entity": person},
        )
    assert "stamps" in up.last.prompt


async def test_a_large_upload_is_streamed_not_buffered(service: ServiceProcess, up: ScriptedUpstream):
    async def pieces():
        for _ in range(4):
            yield b"x" * 65536
            seen.append(len(up.requests[-1].body) if up.requests else 0)
            await asyncio.sleep(0.1)

    seen: list[int] = []
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        await http.post(f"{service.url}/v1/files", content=pieces())
    assert len(up.last.body) == 4 * 65536
    assert seen[-1] > 0, "the upstream had received something before the client had sent all"


async def test_each_chunk_is_passed_on_as_it_arrives(service: ServiceProcess, up: ScriptedUpstream, person: str):
    up.script = answer("one two three four", delay=0.2)
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "count"}]}
    arrivals = []
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        http.stream("POST", f"{service.url}/e/{person}/v1/chat/completions", json=body) as reply,
    ):
        async for _ in reply.aiter_raw():
            arrivals.append(time.monotonic())
    gaps = [b - a for a, b in pairwise(arrivals)]
    assert len([gap for gap in gaps if gap > 0.1]) >= 4, "paced chunks keep their pace"


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


async def test_a_body_shorter_than_announced_is_cut_for_the_client_too(
    service: ServiceProcess, up: ScriptedUpstream, person: str
):
    up.script = always(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", End.CLOSE))
    reply = await exchange(service.port, plain("POST", f"/e/{person}/v1/chat/completions", ODD))
    assert b"Content-Length: 100" in reply


@pytest.mark.parametrize("stream", [True, False])
async def test_when_the_client_leaves_the_upstream_is_left_at_once(
    service: ServiceProcess, up: ScriptedUpstream, person: str, stream: bool
):
    up.script = answer("one two three", upto=2, end=(math.inf,)) if stream else answer(first=math.inf)
    body = json.dumps({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(plain("POST", f"/e/{person}/v1/chat/completions", body))
    if stream:
        await reader.readuntil(b"one")
    await up.until(lambda: up.requests and up.last.complete_at)
    writer.close()
    left = time.monotonic()
    await up.until(lambda: up.last.cancelled_at)
    assert up.last.cancelled_at is not None
    # A bound on behaviour, not on speed: without cancellation this would be never.
    assert up.last.cancelled_at - left < 1


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
            body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}], **options}
            reply = await http.post(f"{service.url}/e/{person}/v1/chat/completions", json=body)
            assert (b'"prompt_tokens"' in reply.content) is bool(options)
            assert reply.content.endswith(DONE)
