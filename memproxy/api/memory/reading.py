"""From an HTTP request to what a call understands; whatever cannot be read is a problem that names field and remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from memproxy.api.bodies import read_body
from memproxy.api.memory.calls import JSON, NDJSON, Asked, Call, Lines, permitted
from memproxy.api.memory.fields import Nothing
from memproxy.auth import Caller
from memproxy.errors import BadRequest, UnsupportedType
from memproxy.identity import valid_id

M = TypeVar("M", bound=BaseModel)
Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B")
R = TypeVar("R")

# A pair of surrogates, a lone one, or any other escape.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(u[dD][89a-fA-F]\w\w)|.)", re.DOTALL)


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
        raise _refused(model, twice, "it is given twice; send it once")
    return _valid(model, lambda: model.model_validate_strings(given))


async def _body(kind: type[B], request: web.Request, limit: int) -> B:
    if issubclass(kind, Nothing):
        return kind()
    if issubclass(kind, Lines):
        _check_type(request, NDJSON)
        return kind(request.content.iter_any())
    _check_type(request, JSON)
    assert issubclass(kind, BaseModel)
    return _parsed(kind, await read_body(request, limit=limit, remedy="send it in parts"))


def _check_type(request: web.Request, wanted: str) -> None:
    """The type must be said: what a web page can send without asking first is anything else."""
    charset = (request.charset or "utf-8").lower()
    if hdrs.CONTENT_TYPE not in request.headers or request.content_type != wanted or charset not in ("utf-8", "utf8"):
        raise UnsupportedType(f"send the body in UTF-8, with the header `Content-Type: {wanted}`", param="Content-Type")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise UnsupportedType("send the body as it is, not compressed", param="Content-Encoding")


def _parsed(model: type[M], body: bytes) -> M:
    """Half of a surrogate pair, which JSON can write and no text can hold, becomes U+FFFD."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        whole = _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], body)
        if error.errors()[0]["type"] != "json_invalid" or whole == body:
            raise _explained(model, error) from error
    return _valid(model, lambda: model.model_validate_json(whole))


def _valid(model: type[M], validate: Callable[[], M]) -> M:
    try:
        return validate()
    except ValidationError as error:
        raise _explained(model, error) from error


def _explained(model: type[BaseModel], error: ValidationError) -> BadRequest:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place, message = first["loc"], first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden" and len(place) == 1:
        known = ", ".join(model.model_fields)
        message = f"there is no such field here; there are {known}" if known else "this call takes none"
    return _refused(model, ".".join(map(str, place)) or "body", message)


def _refused(model: type[BaseModel], field: str, message: str) -> BadRequest:
    # A name comes from the caller as well, and may be a megabyte long.
    field = field if len(field) <= 100 else field[:99] + "…"
    return BadRequest(f"{field}: {message}", param=field)
