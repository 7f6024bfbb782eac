"""From an HTTP request to what a call understands; whatever cannot be read is a problem that names field and remedy."""

from __future__ import annotations

from typing import TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel

from memproxy.api.bodies import read_body
from memproxy.api.memory import validation
from memproxy.api.memory.calls import JSON, NDJSON, Asked, Call, Lines, permitted
from memproxy.api.memory.fields import Nothing
from memproxy.auth import Caller
from memproxy.errors import UnsupportedType
from memproxy.identity import valid_id

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B")
R = TypeVar("R")


async def asked(call: Call[Q, B, R], request: web.Request, caller: Caller, *, max_body: int) -> Asked[Q, B]:
    """Path first, since it says who is meant; then the query, then the body."""
    ids = {name: valid_id(value, source=name) for name, value in request.match_info.items()}
    if "entity" in ids:
        permitted(caller, ids["entity"])
    query = _query(call.query, request)
    return Asked(caller, ids, query, await _body(call.body, request, max_body))


def _query(model: type[Q], request: web.Request) -> Q:
    given = dict(request.query)
    if len(given) < len(request.query):
        twice = next(name for name in given if len(request.query.getall(name)) > 1)
        raise validation.refused(twice, "it is given twice; send it once")
    return validation.query(model, given)


async def _body(kind: type[B], request: web.Request, limit: int) -> B:
    if issubclass(kind, Nothing):
        return kind()
    if issubclass(kind, Lines):
        _check_type(request, NDJSON)
        return kind(request.content.iter_any())
    _check_type(request, JSON)
    assert issubclass(kind, BaseModel)
    return await validation.body(kind, await read_body(request, limit=limit, remedy="send it in parts"))


def _check_type(request: web.Request, wanted: str) -> None:
    """The type must be said: what a web page can send without asking first is anything else."""
    charset = (request.charset or "utf-8").lower()
    if hdrs.CONTENT_TYPE not in request.headers or request.content_type != wanted or charset not in ("utf-8", "utf8"):
        raise UnsupportedType(f"send the body in UTF-8, with the header `Content-Type: {wanted}`", param="Content-Type")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise UnsupportedType("send the body as it is, not compressed", param="Content-Encoding")
