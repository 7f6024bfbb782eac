"""The memory API as aiohttp sees it: one route for each call of the table, and a problem for whatever else is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from memproxy.api.memory import reading
from memproxy.api.memory.calls import JSON, NDJSON, Call, Lines
from memproxy.api.memory.fields import Nothing
from memproxy.api.memory.means import Means
from memproxy.api.memory.openapi import document
from memproxy.api.memory.table import CALLS
from memproxy.auth import Gate
from memproxy.errors import Forbidden, MethodNotAllowed, NotFound
from memproxy.tasks import Tasks
from memproxy.watch import Watch

PREFIX = "/memory/v1"
LASTING = ("PATCH", "DELETE")
"""Methods whose calls go on to their end when the caller has left."""
GOING_ON = "memory call"
"""Name of the tasks that outlive their request."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class MemoryApi:
    """Serves the calls; `keys_only` says whether the service asks for a key."""

    def __init__(self, *, gate: Gate, means: Means, tasks: Tasks, watch: Watch, keys_only: bool, max_body: int) -> None:
        self._gate = gate
        self._watch = watch
        self._tasks = tasks
        self._means = means
        self._keys_only = keys_only
        self._max_body = max_body

    def routes(self) -> list[web.RouteDef]:
        """In the order of the table, each path followed by the answer to all its other methods."""
        ways: dict[str, dict[str, Handler]] = {"/openapi.json": {"GET": self._document()}}
        for call in CALLS:
            ways.setdefault(call.path, {})[call.method] = partial(self._serve, call)
        routes = []
        for path, handlers in ways.items():
            routes += [web.RouteDef(method, PREFIX + path, run, {}) for method, run in handlers.items()]
            routes.append(web.RouteDef("*", PREFIX + path, _refuser(tuple(handlers)), {}))
        return [*routes, web.RouteDef("*", PREFIX + "{rest:(?:/.*)?}", _nothing, {})]

    async def _serve(self, call: Call[Any, Any, Any], request: web.Request) -> web.StreamResponse:
        caller = await self._gate.admit(request.headers)
        if not call.narrow and self._means.confines(caller):
            raise Forbidden("this key is confined to what its process has learned: it may tell messages and recall")
        asked = await reading.asked(call, request, caller, max_body=self._max_body)
        self._watch.require()
        work = call.run(self._means, asked)
        if call.method in LASTING:
            # Whoever asked may leave: what is half forgotten would stay in the caches.
            answer = await asyncio.shield(self._tasks.start(GOING_ON, work))
        else:
            answer = await self._watch.guard(work)
        if isinstance(answer, Lines):
            return await _streamed(request, answer)
        if isinstance(answer, Nothing):
            return web.Response(status=call.status)
        headers = {hdrs.LOCATION: f"{request.path}/{answer.id}"} if call.status == 201 else None
        body = answer.model_dump_json().encode()
        return web.Response(status=call.status, body=body, content_type=JSON, headers=headers)

    def _document(self) -> Handler:
        body = document(CALLS, prefix=PREFIX, keys_only=self._keys_only)

        async def serve(_: web.Request) -> web.StreamResponse:
            return web.Response(body=body, content_type=JSON)

        return serve


async def _streamed(request: web.Request, lines: Lines) -> web.StreamResponse:
    """A failure before the first line is a problem document; after it, the connection ends without the mark of a whole
    body, which every client notices."""
    first = await anext(aiter(lines), b"")
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: NDJSON})
    await response.prepare(request)
    try:
        await response.write(first)
        async for line in lines:
            await response.write(line)
    except Exception:
        if request.transport is not None:
            request.transport.close()
        raise
    await response.write_eof()
    return response


def _refuser(methods: Sequence[str]) -> Handler:
    allow = ", ".join(methods)

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise MethodNotAllowed(f"this path takes {allow}", allow=allow)

    return refuse


async def _nothing(request: web.Request) -> web.StreamResponse:
    raise NotFound(f"there is nothing at this path; {PREFIX}/openapi.json lists what is there")
