"""The data plane: every path below `/v1` goes upstream; chat completions pass through memory on their way.

Bodies of passed-through requests are streamed in both directions. The body of a chat request is read whole, since
memory has to understand it. A client that leaves cancels its handler, which closes the upstream request at once.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict

from memproxy import envelope
from memproxy.api.bodies import read_body
from memproxy.api.problems import REQUEST_ID
from memproxy.auth import Caller, Gate
from memproxy.encodings import UnknownEncoding, decode
from memproxy.errors import BadRequest
from memproxy.pipeline import Call, Exchange, Pipeline
from memproxy.tasks import Tasks
from memproxy.tee import Tee
from memproxy.upstream import Body, Upstream, end_to_end

log = logging.getLogger(__name__)
LEFT = "capture of a reply whose client left"
"""Name of the tasks that outlive their request."""

# aiohttp gives every response these; a relayed one has only what the upstream sent.
DEFAULTS = (hdrs.CONTENT_TYPE, hdrs.DATE, hdrs.SERVER)


class Relayed(web.StreamResponse):
    """A reply on its way from the upstream to the client."""


async def strip_defaults(request: web.Request, response: web.StreamResponse) -> None:
    """Runs after aiohttp has filled in its defaults and before the headers are written."""
    if isinstance(response, Relayed):
        for name in DEFAULTS:
            if name not in response["sent"]:
                response.headers.popall(name, None)


class UpstreamBroke(Exception):
    """The upstream ended its reply before its end; the client must see that too."""


@dataclass(slots=True)
class Passage:
    """One reply on its way, and whether its turn is taken care of."""

    exchange: Exchange
    tee: Tee | None
    stream: bool
    remembered: bool = False


class DataPlane:
    """Handles data-plane requests; holds what all of them share."""

    def __init__(
        self,
        *,
        gate: Gate,
        chat: Pipeline,
        upstream: Upstream,
        upstream_key: str | None,
        tasks: Tasks,
        max_body: int,
    ) -> None:
        self._gate = gate
        self._chat = chat
        self._upstream = upstream
        self._upstream_key = upstream_key
        self._tasks = tasks
        self._max_body = max_body

    async def handle(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        """Raises `MemproxyError` where memproxy itself has to refuse; the upstream's errors are replies like others."""
        to = envelope.target(request.raw_path)
        caller = await self._gate.admit(request.headers)
        call = envelope.call(request_id, caller, request.headers, to)
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            raise BadRequest("WebSockets are not passed on yet; use the HTTP API", param="Upgrade")
        body: Body
        if request.method == "POST" and to.is_chat:
            exchange, body, drop = await self._remember(request, call)
        else:
            exchange, body, drop = Exchange(call, b""), _stream(request), frozenset()
        reply = await self._upstream.send(
            request.method, self._upstream.url(to.path), self._headers(request, call.caller, drop), body
        )
        try:
            return await self._relay(request, reply, exchange)
        except BaseException:
            reply.close()
            raise

    async def _remember(self, request: web.BaseRequest, call: Call) -> tuple[Exchange, bytes, frozenset[str]]:
        """The exchange, the body that goes upstream, and the headers that no longer describe it."""
        sent = await read_body(
            request, limit=self._max_body, remedy="shorten the history or raise the setting `max_body`"
        )
        encoding = request.headers.get(hdrs.CONTENT_ENCODING, "")
        length = frozenset(("content-length",))
        try:
            plain = decode(sent, encoding) if encoding else sent
        except UnknownEncoding:
            plain = sent  # unreadable for memory, and for the pipeline to say so
        exchange = await self._chat.enter(call, plain)
        if exchange.body is plain:
            return exchange, sent, length
        return exchange, exchange.body, length | {"content-encoding"}

    def _headers(self, request: web.BaseRequest, caller: Caller, drop: frozenset[str]) -> CIMultiDict[str]:
        gone = drop | {"host"} | ({caller.spent.lower()} if caller.spent else set())
        headers = end_to_end(request.headers.items(), drop=gone)
        if caller.spent and self._upstream_key and hdrs.AUTHORIZATION not in headers:
            headers[hdrs.AUTHORIZATION] = f"Bearer {self._upstream_key}"
        return headers

    async def _relay(
        self, request: web.BaseRequest, reply: aiohttp.ClientResponse, exchange: Exchange
    ) -> web.StreamResponse:
        response = _response(reply, exchange)
        passage = _passage(reply, exchange, self._chat)
        await response.prepare(request)
        try:
            await self._copy(reply, response, passage)
        except UpstreamBroke as exc:
            await self._settle(passage, complete=False)
            log.warning("the upstream broke off its reply", extra={"error": type(exc.__cause__).__name__})
            _cut(request)
            return response
        except (asyncio.CancelledError, ConnectionResetError):
            # The client has left: its handler ends at once, and what had arrived is kept by a task of its own.
            reply.close()
            if not passage.remembered:
                self._tasks.start(LEFT, self._settle(passage, complete=False))
            raise
        except Exception:
            _cut(request)  # part of the reply is out: an error object would be garbage in the middle of it
            raise
        await response.write_eof()
        return response

    async def _copy(self, reply: aiohttp.ClientResponse, response: web.StreamResponse, passage: Passage) -> None:
        """Every piece as it arrives; the last one once the turn is durable."""
        tee = passage.tee
        while piece := await _next(reply):
            if tee is None:
                await response.write(piece)
                continue
            if released := tee.feed(piece):
                await response.write(released)
            if tee.finished and not passage.remembered:
                await self._settle(passage, complete=True)
                await response.write(tee.rest())
        if tee is not None and not passage.remembered:
            await self._settle(passage, complete=True)
            if rest := tee.rest():
                await response.write(rest)

    async def _settle(self, passage: Passage, *, complete: bool) -> None:
        """Remember what has arrived, if anything is to be remembered. Trying twice stores once: keys are unique."""
        if passage.tee is None or (not complete and not passage.tee.kept()):
            return
        await self._chat.leave(
            passage.exchange,
            passage.tee.kept(),
            stream=passage.stream,
            complete=complete and passage.tee.readable,
        )
        passage.remembered = True


def _stream(request: web.BaseRequest) -> Body:
    return request.content.iter_any() if request.can_read_body else None


async def _next(reply: aiohttp.ClientResponse) -> bytes:
    """What has arrived, as soon as something has; empty at the end. Errors of reading are told apart from those of
    writing to the client."""
    try:
        return await reply.content.readany()
    except (aiohttp.ClientError, OSError) as exc:
        raise UpstreamBroke from exc


def _response(reply: aiohttp.ClientResponse, exchange: Exchange) -> Relayed:
    headers = end_to_end((name.decode("latin-1"), value.decode("latin-1")) for name, value in reply.raw_headers)
    response = Relayed(status=reply.status, reason=reply.reason)
    response["sent"] = frozenset(name for name in DEFAULTS if name in headers)
    headers["X-Memproxy-Memory"] = exchange.outcome
    headers[REQUEST_ID] = exchange.call.request_id
    if exchange.session is not None:
        headers["X-Memproxy-Session"] = exchange.session
        headers["X-Memproxy-Facts"] = str(exchange.facts)
        headers["X-Memproxy-Tokens"] = str(exchange.tokens)
    response.headers.extend(headers)
    return response


def _passage(reply: aiohttp.ClientResponse, exchange: Exchange, chat: Pipeline) -> Passage:
    stream = reply.content_type == "text/event-stream"
    if exchange.scope is None or not 200 <= reply.status < 300:
        return Passage(exchange, None, stream)  # nobody's memory, or an error: nothing to remember
    encoding = reply.headers.get(hdrs.CONTENT_ENCODING, "")
    return Passage(exchange, Tee(dialect=chat.dialect, stream=stream, encoding=encoding), stream)


def _cut(request: web.BaseRequest) -> None:
    """End the connection without the mark of a complete body, after what was written has been sent."""
    if request.transport is not None:
        request.transport.close()
