"""Errors as the caller expects them: in the shape of its dialect on the data plane, RFC 9457 problems on the API."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import hdrs, web
from pydantic import BaseModel, Field

from memproxy.dialects.dialect import Dialect
from memproxy.errors import MemproxyError, MethodNotAllowed, Unauthorized, Unavailable

REQUEST_ID = "X-Memproxy-Request-Id"
_THEIR_REQUEST_ID = {
    "anthropic_messages": "request-id",
    "openai_chat": "x-request-id",
    "openai_responses": "x-request-id",
}
"""Where the SDKs of an API look for the request's id, by the name of its dialect."""
PROBLEM = "application/problem+json"


def refused(dialect: Dialect, error: MemproxyError, request_id: str) -> web.Response:
    """As the clients of that API parse errors."""
    headers = _headers(error, request_id)
    if name := _THEIR_REQUEST_ID.get(dialect.name):
        headers[name] = request_id
    return web.Response(
        status=error.status,
        body=dialect.refusal(error, request_id),
        content_type="application/json",
        headers=headers,
    )


def _headers(error: MemproxyError, request_id: str) -> dict[str, str]:
    after = {str(hdrs.RETRY_AFTER): str(error.retry_after)} if isinstance(error, Unavailable) else {}
    return {REQUEST_ID: request_id, **after}


def _absent() -> Any:
    """A field that is left out where there is nothing to say."""
    return None


class Problem(BaseModel):
    """What went wrong, what to do about it, and the request to look for in the log (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    param: str = Field(default_factory=_absent)
    """The field, parameter or header at fault, where there is one."""


def problem(error: MemproxyError, request_id: str) -> web.Response:
    """A problem document, and the headers that its status asks for."""
    told = Problem(
        title=error.code.replace("_", " "),
        status=error.status,
        detail=str(error),
        code=error.code,
        request_id=request_id,
    )
    if error.param:
        told.param = error.param
    headers = _headers(error, request_id)
    if isinstance(error, MethodNotAllowed):
        headers[hdrs.ALLOW] = error.allow
    if isinstance(error, Unauthorized):
        headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return web.Response(
        status=error.status,
        body=told.model_dump_json(exclude_none=True).encode(),
        content_type=PROBLEM,
        headers=headers,
    )
