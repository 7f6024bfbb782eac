"""The data plane: every path below `/v1` and `/v1beta` goes upstream; what memory understands passes through it.

Bodies of passed-through requests are streamed in both directions. The body of a request with memory is read whole,
since memory has to understand it. A client that leaves cancels its handler, which closes the upstream request at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from aiohttp import hdrs, web
from multidict import CIMultiDict

from memproxy import envelope
from memproxy.api.bodies import read_body
from memproxy.api.relay import Relay
from memproxy.api.tunnel import tunnel
from memproxy.auth import QUERY_KEY, Caller, Gate, without_key
from memproxy.closed import Closed, closed
from memproxy.dialects.dialect import Echoing, Restore
from memproxy.dialects.routes import Act, Provider, Route
from memproxy.encodings import UnknownEncoding, decode
from memproxy.envelope import Target
from memproxy.errors import Forbidden
from memproxy.exchange import Call, Exchange
from memproxy.pipeline import Pipeline
from memproxy.upstream import Body, Upstream, end_to_end

CREDENTIALS = {
    Provider.OPENAI: ("Authorization", "Bearer {}"),
    Provider.ANTHROPIC: ("x-api-key", "{}"),
    Provider.GEMINI: ("x-goog-api-key", "{}"),
}
"""Where each provider's credential goes."""


class DataPlane:
    """Handles data-plane requests; holds what all of them share. `credentials` are the configured ones, `opened` what
    of the operator's account tenants may reach."""

    def __init__(
        self,
        *,
        gate: Gate,
        chat: Pipeline,
        upstream: Upstream,
        credentials: Mapping[Provider, str],
        relay: Relay,
        max_body: int,
        opened: frozenset[Closed] = frozenset(),
    ) -> None:
        self._gate = gate
        self._chat = chat
        self._upstream = upstream
        self._credentials = credentials
        self._relay = relay
        self._max_body = max_body
        self._opened = opened

    async def handle(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        """Raises `MemproxyError` where memproxy itself has to refuse; the upstream's errors are replies like others."""
        to = envelope.target(request.method, request.raw_path, request.headers)
        caller = await self._gate.admit(request.headers, to.query)
        call = envelope.call(request_id, caller, request.headers, to)
        headers = self._headers(request, caller, to)
        query = without_key(to.query) if QUERY_KEY in caller.spent else to.query
        url = self._upstream.url(to.provider, to.path, query)
        guard = self._guard(request.method, caller, to)
        if guard is None and request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return await tunnel(request, url, headers, connect_timeout=self._upstream.connect_timeout)
        body: Body
        if to.route is None:
            exchange, body, restore = Exchange(call, b""), _stream(request), None
        else:
            exchange, body, restore = await self._remember(request, call, to.route, headers)
        if guard is not None and exchange.session is None:  # an answer that this tenant asked for is no stranger's
            raise Forbidden(
                f"this gateway keeps {to.path} to its operator: it would act with the operator's provider credential. "
                f"Bring your own in its usual header, with the memproxy key in X-Memproxy-Key, or let the operator set "
                f"`{guard}`",
                param=guard,
            )
        reply = await self._upstream.send(request.method, url, headers, body)
        try:
            return await self._relay.send(request, reply, exchange, restore)
        except BaseException:
            reply.close()
            raise

    async def _remember(
        self, request: web.BaseRequest, call: Call, route: Route, headers: CIMultiDict[str]
    ) -> tuple[Exchange, bytes | None, Restore | None]:
        """The exchange, the body that goes upstream, and what undoes an echo of the block in the reply. `headers` are
        brought in line with the body."""
        if route.act is Act.FETCH:
            return await self._chat.enter(call, route, b""), None, _restore(route, None, headers)
        sent = await read_body(
            request, limit=self._max_body, remedy="shorten the history or raise the setting `max_body`"
        )
        headers.popall(hdrs.CONTENT_LENGTH, None)
        encoding = request.headers.get(hdrs.CONTENT_ENCODING, "")
        try:
            plain = decode(sent, encoding) if encoding else sent
        except UnknownEncoding:
            plain = sent  # unreadable for memory, and for the pipeline to say so
        exchange = await self._chat.enter(call, route, plain)
        if exchange.body is plain:
            return exchange, sent, None
        headers.popall(hdrs.CONTENT_ENCODING, None)
        return exchange, exchange.body, _restore(route, plain, headers)

    def _headers(self, request: web.BaseRequest, caller: Caller, to: Target) -> CIMultiDict[str]:
        headers = end_to_end(request.headers.items(), drop=caller.spent | {"host"})
        credential = self._credentials.get(to.provider)
        if caller.spent and credential and not caller.brings_own:
            name, form = CREDENTIALS[to.provider]
            headers[name] = form.format(credential)
        return headers

    def _guard(self, method: str, caller: Caller, to: Target) -> str | None:
        """The setting that keeps this request from the operator's account, if one does."""
        guard = closed(method, unquote(to.path)) if caller.key and not caller.brings_own else None
        return None if guard is None or guard in self._opened else guard.value


def _restore(route: Route, body: bytes | None, headers: CIMultiDict[str]) -> Restore | None:
    if not isinstance(route.dialect, Echoing):
        return None
    headers[hdrs.ACCEPT_ENCODING] = "identity"  # what is rewritten must be readable
    return route.dialect.restore(body)


def _stream(request: web.BaseRequest) -> Body:
    return request.content.iter_any() if request.can_read_body else None
