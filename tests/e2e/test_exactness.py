"""Bytes are sacred: what passes arrives as it was sent, in both directions, with memory and without."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest

from memproxy.config import Settings
from memproxy.testing.exchange import End, Reply
from memproxy.testing.replies import JSON, SSE, chunked, error, raw, whole
from memproxy.testing.scripts import always
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .wire import ODD, PATHS, exchange, parts, plain

UTF8 = 'data: {"choices":[{"index":0,"delta":{"content":"\u4e2d\U0001f60a"}}]}\n\n'.encode()
DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}'
REPLIES = {
    "repeated headers": whole(
        200, (("Set-Cookie", "a=1"), ("X-RateLimit-Remaining", "9"), ("set-cookie", "b=2")), b"hi"
    ),
    "no content type": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    "no length": raw(b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nhi"),
    "own date and server": whole(200, (("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Server", "theirs")), b"x"),
    "header beyond ASCII": raw("HTTP/1.1 200 OK\r\nX-A: caf\u00e9\r\nX-B: \r\nContent-Length: 0\r\n\r\n".encode()),
    "long header": whole(200, (("X-Long", "a" * 20_000),), b"hi"),
    "odd reason": raw(b"HTTP/1.1 299 Quite Alright\r\nContent-Length: 0\r\n\r\n"),
    "odd status": raw(b"HTTP/1.1 999 Beyond\r\nContent-Length: 2\r\n\r\nhi"),
    "empty reason": raw(b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
    "no content": raw(b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"),
    "reset content": raw(b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
    "not modified": raw(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 55\r\nETag: x\r\n\r\n"),
    "empty body": whole(200, JSON, b""),
    "empty stream": chunked(()),
    "redirect": whole(302, (("Location", "http://127.0.0.1:1/elsewhere"),), b""),
    "permanent redirect": whole(308, (("Location", "/v1/elsewhere"),), b"there"),
    "rate limited": error(429, "slow down", headers=(("Retry-After", "7"), ("x-ratelimit-reset-requests", "1s"))),
    "try later": whole(503, (("Retry-After", "Fri, 31 Dec 2027 23:59:59 GMT"),), b""),
    "server error that is not JSON": whole(500, (("Content-Type", "text/html"),), b"<h1>oops</h1>"),
    "error as a stream": chunked((b'event: error\ndata: {"type":"error"}\n\n',), status=529),
    "gzip": whole(200, (*JSON, ("Content-Encoding", "gzip")), gzip.compress(b"{}")),
    "broken gzip": whole(200, (*JSON, ("Content-Encoding", "gzip")), b"not gzip"),
    "unheard-of encoding": whole(200, (*JSON, ("Content-Encoding", "pied-piper")), b"\x01\x02"),
    "gzip said twice": whole(200, (*JSON, ("Content-Encoding", "gzip, gzip")), gzip.compress(gzip.compress(b"{}"))),
    "stream": chunked((b"data: {}\n\n", b": ping\r\n\r\n", b"data: [DO", b"NE]\n\n")),
    "stream of single bytes": chunked([bytes([byte]) for byte in UTF8 + b"data: [DONE]\n\n"]),
    "stream with a name and an id": chunked((b"id: 7\nevent: message\nretry: 10\n" + DELTA + b"\n\n",)),
    "stream of CRLF": chunked((DELTA + b"\r\n\r", b"\n: c\r\n\r\nid\r\ndata:[DONE]\r\n\r\n")),
    "stream of CR": chunked((DELTA + b"\r\r", b"data: [DONE]\r\r")),
    "stream with a byte order mark": chunked((b"\xef\xbb\xbf" + DELTA + b"\n\n",)),
    "event of several lines": chunked((b'data: {"choices":\ndata: []}\n\n', b"data\n\ndata: [DONE]\n\n")),
    "stream with more after its end": chunked((b"data: [DONE]\n\n", b": bye\n\n")),
    "stream without an end": chunked((DELTA + b"\n\n",)),
    "stream with an error in its midst": chunked((DELTA + b"\n\n", b'data: {"error":{"message":"gone"}}\n\n')),
    "stream whose last line has no end": chunked((DELTA + b"\n\n", b"data: [DONE]")),
    "compressed stream": chunked((gzip.compress(DELTA + b"\n\n"),), headers=(*SSE, ("Content-Encoding", "gzip"))),
    "garbage": whole(200, JSON, b"\x00\xff{{{"),
    "garbage as a stream": chunked((b"\x00\xff{{{\n\ndata: \xff\n\n",)),
    "shorter than announced": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
    "cut in a chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n8\r\nabc"),
    "cut in an event": Reply((*chunked((DELTA + b"\n\n", b'data: {"choi')).steps[:-1], End.CLOSE)),
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
async def test_a_reply_arrives_as_the_upstream_sent_it(
    service: ServiceProcess, up: ScriptedUpstream, person: str, path: str, reply: Reply
):
    up.script = always(reply)
    request = plain("POST", path, ODD, b"X-Memproxy-Entity: " + person.encode())
    through, direct = await exchange(service.port, request), await exchange(up.port, request)
    assert parts(through) == parts(direct)


@pytest.mark.parametrize("body", [b'{"error":{"message":"no"}}', b"<h1>no</h1>", b""], ids=["JSON", "HTML", "empty"])
async def test_an_error_of_every_status_arrives_as_it_is(
    service: ServiceProcess, up: ScriptedUpstream, person: str, body: bytes
):
    for status in range(400, 600):
        up.script = always(whole(status, (("content-type", "application/json"), ("x-request-id", "r")), body))
        request = plain("POST", f"/e/{person}/v1/chat/completions", ODD)
        through = await exchange(service.port, request)
        assert parts(through) == parts(await exchange(up.port, request))
    assert len(up.requests) == 2 * 200, "nothing is tried again"


@pytest.mark.parametrize("path", ["/v1/things/1?a=%20b", "/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "DELETE", "PATCH", "PUT", "PURGE", "QUERY"])
async def test_every_method_passes(service: ServiceProcess, up: ScriptedUpstream, method: str, path: str):
    body = b"" if method in ("GET", "HEAD", "OPTIONS", "TRACE") else b'{"a":1}'
    reply = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n" + (b"" if method == "HEAD" else b"hi")
    up.script = always(Reply((reply,)))
    through = await exchange(service.port, plain(method, path, body))
    assert (up.last.method, up.last.target, up.last.body) == (method, path, body)
    assert parts(through) == parts(await exchange(up.port, plain(method, path, body)))


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_a_request_goes_on_from_its_original_bytes(
    service: ServiceProcess, up: ScriptedUpstream, person: str, path: str, named: bool
):
    headers = [b"X-Memproxy-Entity: " + person.encode(), b"X-Memproxy-Process: app"] if named else []
    custom = [b"X-Custom: a", b"x-custom: b", "X-Name: caf\u00e9".encode()]
    await exchange(service.port, plain("POST", path, ODD, *custom, *headers))
    assert (up.last.target, up.last.body) == (path, ODD)
    assert up.last.values("x-custom") == ["a", "b"]
    assert up.last.header("x-name") == "caf\u00e9".encode().decode("latin-1"), "the same bytes"
    sent = {name.lower() for name, _ in up.last.headers}
    assert sent == {"host", "x-custom", "x-name", "content-length"}, "nothing added, nothing of memproxy's own"


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


@pytest.mark.parametrize("path", ["/v1/files", "/v1/chat/completions"])
async def test_a_client_that_waits_to_continue_is_told_so_and_the_upstream_is_not_waited_for(
    service: ServiceProcess, up: ScriptedUpstream, path: str
):
    request = plain("POST", path, b'{"a": 1}', b"Expect: 100-continue")
    through, direct = await exchange(service.port, request), await exchange(up.port, request)
    assert through.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ")
    assert parts(through.partition(b"\r\n\r\n")[2]) == parts(direct.partition(b"\r\n\r\n")[2])
    assert up.requests[0].body == b'{"a": 1}'
    assert up.requests[0].header("expect") is None, "not every server knows it"


async def test_a_chunked_request_arrives_chunked(service: ServiceProcess, up: ScriptedUpstream):
    request = plain("POST", "/v1/files", b"", b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
    await exchange(service.port, request)
    assert (up.last.body, up.last.header("transfer-encoding")) == (b"hello!", "chunked")


@pytest.mark.parametrize("together", [True, False])
async def test_a_reply_longer_than_announced_is_never_taken_for_another(
    service: ServiceProcess, up: ScriptedUpstream, together: bool
):
    announced, more = (
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body) for body in (b"hi", b"evil")
    )
    later = asyncio.Event()
    up.script = always(Reply((announced + more,) if together else (announced, later, more)))
    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
        assert b"evil" not in (await http.get("/v1/models")).content
        later.set()
        await up.until(lambda: up.last.ended_at or up.last.cancelled_at)
        up.script = always(whole(200, (), b"mine"))
        assert (await http.get("/v1/models")).content == b"mine"


def test_ten_silent_minutes_are_allowed_by_default():
    assert Settings.model_fields["upstream_timeout"].default >= 600
