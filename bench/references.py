"""What memproxy is measured against: the least that a proxy in this language and on this server can cost.

`copy` only copies bytes, both ways. `insert` parses the body with `json`, puts a constant block before the last user
message and serialises it again. `embed` is no proxy: it embeds questions one by one and prints what one costs.

    python -m bench.references copy --port 9101 --upstream http://127.0.0.1:9000/v1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
from collections.abc import Callable
from itertools import islice

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from yarl import URL

from bench.questions import questions

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host")
)
BLOCK = "<memory>\n" + "- (2026-05-03) user: My sister lives in Lisbon and repairs a piano.\n" * 20 + "</memory>\n\n"

Change = Callable[[bytes], bytes]


def same(body: bytes) -> bytes:
    return body


def with_block(body: bytes) -> bytes:
    """The body with the block before the last user message's text."""
    if not body:
        return body
    asked = json.loads(body)
    for message in reversed(asked["messages"]):
        if message["role"] == "user":
            message["content"] = BLOCK + message["content"]
            break
    return json.dumps(asked).encode()


class Proxy:
    """One handler: read, change, forward, copy back as it comes."""

    def __init__(self, upstream: str, change: Change) -> None:
        self._origin = upstream.removesuffix("/v1")
        self._change = change
        self._session: ClientSession | None = None

    async def open(self, app: web.Application) -> None:
        self._session = ClientSession(
            connector=TCPConnector(limit=0), auto_decompress=False, timeout=ClientTimeout(total=None)
        )

    async def close(self, app: web.Application) -> None:
        if self._session is not None:
            await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        body = self._change(await request.read())
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        headers = [pair for pair in headers if pair[0].lower() != "content-length"]
        url = URL(self._origin + request.raw_path, encoded=True)
        async with self._session.request(request.method, url, headers=headers, data=body) as reply:
            kept = [(name, value) for name, value in reply.headers.items() if name.lower() not in HOP_BY_HOP]
            response = web.StreamResponse(status=reply.status, reason=reply.reason)
            response.headers.extend(kept)
            await response.prepare(request)
            async for piece in reply.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response


def serve(port: int, upstream: str, change: Change) -> None:
    proxy = Proxy(upstream, change)
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    app.on_startup.append(proxy.open)
    app.on_cleanup.append(proxy.close)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, handler_cancellation=True, print=None)


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def embed(count: int, seed: int) -> dict[str, float]:
    """CPU milliseconds of one embedding: questions one at a time, the model warm."""
    from memproxy import config, plugins  # here, so that the proxies' processes do not carry the product

    settings, _ = config.load()
    embedder = plugins.find("embedders", "minilm")(model_dir=settings.model_dir, name=None)
    asked = list(islice(questions(seed), count + 20))
    async with embedder:
        for question in asked[:20]:
            await embedder.embed([question], purpose="query")
        before = cpu_seconds()
        for question in asked[20:]:
            await embedder.embed([question], purpose="query")
        return {"cpu_ms": 1000 * (cpu_seconds() - before) / count, "count": count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["copy", "insert", "embed"])
    parser.add_argument("--port", type=int, default=9101)
    parser.add_argument("--upstream", default="http://127.0.0.1:9000/v1")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    if told.kind == "embed":
        print(json.dumps(asyncio.run(embed(told.count, told.seed))))
        return
    serve(told.port, told.upstream, same if told.kind == "copy" else with_block)


if __name__ == "__main__":
    main()
