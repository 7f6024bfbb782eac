"""HTTP as bytes on a socket, so that no client library hides a difference between memproxy and the upstream."""

from __future__ import annotations

import asyncio

OURS = ("x-memproxy-memory", "x-memproxy-request-id", "x-memproxy-session", "x-memproxy-facts", "x-memproxy-tokens")
PATHS = {
    "passed through": "/v1/files/x?y=%2F&z",
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
    "gemini stream": "/v1beta/models/m:streamGenerateContent?alt=sse",
}
"""One for each way a reply can take."""
ODD = (
    b'{ "model":"m","n":1e0,"big":12345678901234567890123,"tiny":1.5E-400,\n"dup":1,"dup":2, "max_tokens" : 1 ,'
    b'"deep":' + b"[" * 90 + b"]" * 90 + b', "odd":"\\u0041\\/\\ud83d\\ude00",\t'
    b'"messages":[{"content":"a\\u00e9\\/","role":"user"}] , "input":"a\\u00e9\\/",'
    b'"contents":[{"parts":[{"text":"a\\u00e9\\/"}],"role":"user"}] }'
)
"""A request that every API understands, written as no serialiser would."""


async def exchange(port: int, request: bytes) -> bytes:
    """Everything a server sends back for these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


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
    """What the chunks hold; a body that breaks off ends with a mark of that."""
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return out
        out, body = out + body[:length], body[length + 2 :]
    return out + b"<cut>"
