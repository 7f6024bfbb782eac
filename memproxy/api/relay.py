"""The reply on its way to the client: every piece as it arrives, the last one once the turn is durable."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict

from memproxy.api.problems import REQUEST_ID
from memproxy.dialects.dialect import Restore
from memproxy.exchange import Exchange
from memproxy.pipeline import Pipeline
from memproxy.tasks import Tasks
from memproxy.tee import Tee
from memproxy.upstream import end_to_end

log = logging.getLogger(__name__)
LEFT = "capture of a reply whose client left"
"""Name of the tasks that outlive their request."""

SENT = web.ResponseKey("sent", CIMultiDict[str])
"""The headers of a relayed response: the upstream's in their order, then ours."""
FRAMING = (hdrs.TRANSFER_ENCODING, hdrs.CONNECTION)
"""What aiohttp alone knows: how this hop delimits the body."""


class Relayed(web.StreamResponse):
    """A reply on its way from the upstream to the client."""


async def strip_defaults(request: web.Request, response: web.StreamResponse) -> None:
    """Runs after aiohttp has filled in its defaults, and taken out what it does not expect, and before the headers are
    written: undoes both."""
    if isinstance(response, Relayed):
        framing = [(name, response.headers[name]) for name in FRAMING if name in response.headers]
        response.headers.clear()
        response.headers.extend(response[SENT])
        response.headers.extend(framing)


class UpstreamBroke(Exception):
    """The upstream ended its reply before its end; the client must see that too."""


@dataclass(slots=True)
class Passage:
    """One reply on its way, and whether its turn is taken care of."""

    exchange: Exchange
    tee: Tee | None
    stream: bool
    restore: Restore | None = None
    remembered: bool = False

    def shown(self, piece: bytes) -> bytes:
        """What the client gets to see of it."""
        return self.restore.feed(piece) if self.restore and piece else piece

    def held(self) -> bytes:
        """What the client has not seen yet of what arrived, once nothing more will."""
        rest = self.shown(self.tee.rest()) if self.tee else b""
        return rest + self.restore.end() if self.restore else rest


class Relay:
    """Shared by all requests."""

    def __init__(self, *, chat: Pipeline, tasks: Tasks) -> None:
        self._chat = chat
        self._tasks = tasks

    async def send(
        self, request: web.BaseRequest, reply: aiohttp.ClientResponse, exchange: Exchange, restore: Restore | None
    ) -> web.StreamResponse:
        """The reply, sent. `restore` rewrites what the client gets to see."""
        passage = _passage(reply, exchange, restore)
        response = _response(reply, exchange, rewritten=passage.restore is not None)
        await response.prepare(request)
        try:
            await self._copy(reply, response, passage)
            await response.write_eof()
        except UpstreamBroke as exc:
            log.warning("the upstream broke off its reply", extra={"error": type(exc.__cause__).__name__})
            _cut(request)
        except (asyncio.CancelledError, ConnectionResetError) as exc:
            # The client has left: its handler ends at once, and what had arrived is kept by a task of its own.
            reply.close()
            if not passage.remembered:
                self._tasks.start(LEFT, self._settle(passage, complete=False))
            if isinstance(exc, asyncio.CancelledError):
                raise
        except Exception:
            _cut(request)  # part of the reply is out: an error object would be garbage in the middle of it
            raise
        return response

    async def _copy(self, reply: aiohttp.ClientResponse, response: web.StreamResponse, passage: Passage) -> None:
        """Every piece as it arrives; the last one once the turn is durable. Raises `UpstreamBroke` when all that came
        is sent."""
        tee, broke = passage.tee, None
        try:
            while piece := await _next(reply):
                if shown := passage.shown(tee.feed(piece) if tee else piece):
                    await response.write(shown)
                if tee is not None and tee.finished and not passage.remembered:
                    await self._settle(passage, complete=True)
                    if rest := passage.shown(tee.rest()):
                        await response.write(rest)
        except UpstreamBroke as exc:
            broke = exc
        if not passage.remembered:
            await self._settle(passage, complete=broke is None)
        if rest := passage.held():
            await response.write(rest)
        if broke is not None:
            raise broke

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


async def _next(reply: aiohttp.ClientResponse) -> bytes:
    """What has arrived, as soon as something has; empty at the end. Errors of reading are told apart from those of
    writing to the client."""
    try:
        return await reply.content.readany()
    except (aiohttp.ClientError, OSError) as exc:
        raise UpstreamBroke from exc


def _response(reply: aiohttp.ClientResponse, exchange: Exchange, *, rewritten: bool) -> Relayed:
    headers = end_to_end((_text(name), _text(value)) for name, value in reply.raw_headers)
    if rewritten:
        headers.popall(hdrs.CONTENT_LENGTH, None)
    response = Relayed(status=reply.status, reason=reply.reason)
    headers["X-Memproxy-Memory"] = exchange.outcome
    headers[REQUEST_ID] = exchange.call.request_id
    if exchange.session is not None:
        headers["X-Memproxy-Session"] = exchange.session
        headers["X-Memproxy-Facts"] = str(exchange.facts)
        headers["X-Memproxy-Tokens"] = str(exchange.tokens)
    response.headers.extend(headers)
    response[SENT] = headers
    return response


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _passage(reply: aiohttp.ClientResponse, exchange: Exchange, restore: Restore | None) -> Passage:
    route = exchange.route
    stream = reply.content_type == "text/event-stream" or (route is not None and route.pieces)
    encoding = reply.headers.get(hdrs.CONTENT_ENCODING, "")
    if encoding and restore is not None:
        log.warning("the upstream compresses a reply that was asked for plain; a block may show in it")
        restore = None
    if route is None or exchange.scope is None or not 200 <= reply.status < 300:
        return Passage(exchange, None, stream, restore)  # nobody's memory, or an error: nothing to remember
    return Passage(exchange, Tee(dialect=route.dialect, stream=stream, encoding=encoding), stream, restore)


def _cut(request: web.BaseRequest) -> None:
    """End the connection without the mark of a complete body, after what was written has been sent."""
    if request.transport is not None:
        request.transport.close()
