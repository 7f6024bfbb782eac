"""Where memory takes part, all bytes but the block's are the client's and the upstream's own."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli
import httpx
import pytest
import zstandard

from memproxy.testing import anthropic, gemini
from memproxy.testing.replies import JSON, SSE, Answer, chunked, completion, whole
from memproxy.testing.responses import Responses
from memproxy.testing.scripts import always, answer, first
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .wire import exchange, parts, plain


def _raw_deflate(data: bytes) -> bytes:
    press = zlib.compressobj(wbits=-15)
    return press.compress(data) + press.flush()


ENCODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without its header": ("deflate", _raw_deflate),
}
every_encoding = pytest.mark.parametrize(("encoding", "encode"), ENCODINGS.values(), ids=ENCODINGS)


async def hits(http: httpx.AsyncClient, service: ServiceProcess, person: str, query: str) -> str:
    await service.settled(entity=person)
    return (await http.post(f"/memory/v1/entities/{person}/recall", json={"query": query})).text


@every_encoding
async def test_a_compressed_request_passes_as_it_is_and_is_remembered(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str, encoding: str, encode: Callable
):
    up.script = always(completion(Answer("Noted."), "m"))
    body = encode(b'{"model":"m","messages":[{"role":"user","content":"I collect stamps."}]}')
    await http.post(f"/e/{person}/v1/chat/completions", content=body, headers={"Content-Encoding": encoding})
    assert up.last.body == body
    assert up.last.values("content-encoding") == [encoding]
    assert "stamps" in await hits(http, service, person, "What do I collect?")


@every_encoding
async def test_a_compressed_request_that_gets_a_block_goes_on_plain(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str, encoding: str, encode: Callable
):
    await http.post(f"/memory/v1/entities/{person}/facts", json={"text": "Collects stamps."})
    body = b'{"model":"m","messages":[{"role":"user","content":"What do I collect?"}]}'
    reply = await http.post(
        f"/e/{person}/v1/chat/completions", content=encode(body), headers={"Content-Encoding": encoding}
    )
    assert reply.headers["x-memproxy-memory"] == "hit"
    assert up.last.header("content-encoding") is None
    assert "stamps" in up.last.prompt
    assert without_block(up.last.body, up.last.prompt.removesuffix("What do I collect?")) == body


@every_encoding
@pytest.mark.parametrize("stream", [True, False])
async def test_a_compressed_reply_passes_as_it_is_and_is_remembered(
    service: ServiceProcess,
    up: ScriptedUpstream,
    http: httpx.AsyncClient,
    person: str,
    encoding: str,
    encode: Callable,
    stream: bool,
):
    said = {"role": "assistant", "content": "Herons wade slowly."}
    if stream:
        events = b"data: %b\n\ndata: [DONE]\n\n" % json.dumps({"choices": [{"index": 0, "delta": said}]}).encode()
        body = encode(events)
        halves = (body[: len(body) // 2], body[len(body) // 2 :])
        up.script = always(chunked(halves, headers=(*SSE, ("content-encoding", encoding))))
    else:
        body = encode(json.dumps({"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}).encode())
        up.script = always(whole(headers=(*JSON, ("content-encoding", encoding)), body=body))
    sent = json.dumps({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Tell me."}]}).encode()
    request = plain("POST", f"/e/{person}/v1/chat/completions", sent, b"Accept-Encoding: gzip, br, zstd, deflate")
    through = await exchange(service.port, request)
    assert up.last.header("accept-encoding") == "gzip, br, zstd, deflate"
    assert parts(through) == parts(await exchange(up.port, request))
    assert "Herons wade" in await hits(http, service, person, "How do herons wade?")


def without_block(body: bytes, block: str) -> bytes:
    """The body with the block taken out, however it is escaped."""
    for text in (json.dumps(block)[1:-1], json.dumps(block, ensure_ascii=False)[1:-1]):
        if text.encode() in body:
            return body.replace(text.encode(), b"", 1)
    raise AssertionError("the block is not in the body")


@dataclass(frozen=True)
class Odd:
    """A request whose last text is a question, written as no serialiser would write it."""

    path: str
    body: bytes


NOISE = (
    b'"big":12345678901234567890123,"tiny":1.5E-400,"zero":-0.0, "e" : 1e0 ,\r\n\t"dup":1,"dup":{"a":[ ]},"deep":'
    + b"[" * 90
    + b"]" * 90
    + b',"odd":"\\u0041\\/\\ud83d\\ude00\\u0000\x7f","":null'
)
Q = b'"What do I\\u0020collect\\u003F \\ud83d\\ude00\\/"'
ODDITIES = {
    "chat": Odd("/v1/chat/completions", b'{ "messages":[{"content":%b , "role":"user"}],%b}' % (Q, NOISE)),
    "chat parts": Odd(
        "/v1/chat/completions",
        b'{%b,"messages" : [ {"role":"user","content":[{"text":%b,"type":"text","x":1E2}]} ] }\n' % (NOISE, Q),
    ),
    "responses": Odd("/v1/responses", b'{"store":false,"input":%b,%b }' % (Q, NOISE)),
    "messages": Odd("/v1/messages", b'{%b,"max_tokens":1,"messages":[{"role":"user","content":%b}]}' % (NOISE, Q)),
    "gemini": Odd("/v1beta/models/m:generateContent", b'{"contents":[{"parts":[{ "text" : %b}]}],%b}' % (Q, NOISE)),
}


@pytest.mark.parametrize("odd", ODDITIES.values(), ids=ODDITIES)
async def test_around_the_block_every_byte_of_an_odd_request_is_as_it_was(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str, odd: Odd
):
    up.script = first(Responses(), anthropic.messages("Stamps."), gemini.generate("Stamps."), answer("Stamps."))
    await http.post(f"/memory/v1/entities/{person}/facts", json={"text": "Collects stamps."})
    reply = await http.post(f"/e/{person}{odd.path}", content=odd.body)
    assert reply.headers["x-memproxy-memory"] == "hit"
    at = next(at for at, (a, b) in enumerate(zip(up.last.body, odd.body, strict=False)) if a != b)
    inserted = len(up.last.body) - len(odd.body)
    assert odd.body == up.last.body[:at] + up.last.body[at + inserted :], "one piece went in, and nothing else changed"
    assert b"stamps" in up.last.body[at : at + inserted]
    assert json.loads(up.last.body)


async def test_fifty_megabytes_arrive_as_they_were_and_so_does_a_large_reply(
    service: ServiceProcess, up: ScriptedUpstream, http: httpx.AsyncClient, person: str
):
    large = b"A" * 50_000_000
    body = (
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"I painted a heron."},'
        b'{"type":"image_url","image_url":{"url":"data:image/png;base64,%b"}}]}]}' % large
    )
    up.script = always(whole(headers=(("content-type", "image/png"),), body=large))
    for path in (f"/e/{person}/v1/chat/completions", "/v1/files"):
        reply = await http.post(path, content=body)
        assert up.last.body == body
        assert reply.content == large
