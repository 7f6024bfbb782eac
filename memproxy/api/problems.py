"""Errors as the caller expects them: in the shape of its dialect on the data plane, RFC 9457 problems on the API."""

from __future__ import annotations

import json

from aiohttp import web

from memproxy.dialects.dialect import Dialect
from memproxy.errors import MemproxyError

REQUEST_ID = "X-Memproxy-Request-Id"


def refused(dialect: Dialect, error: MemproxyError, request_id: str) -> web.Response:
    """As the clients of that API parse errors."""
    return web.Response(
        status=error.status,
        body=dialect.refusal(error, request_id),
        content_type="application/json",
        headers={REQUEST_ID: request_id},
    )


def problem(error: MemproxyError, request_id: str) -> web.Response:
    """A problem document; `param` names the field at fault."""
    body = {
        "type": "about:blank",
        "title": error.code.replace("_", " "),
        "status": error.status,
        "detail": str(error),
        "code": error.code,
        "request_id": request_id,
        **({"param": error.param} if error.param else {}),
    }
    return web.Response(
        status=error.status,
        text=json.dumps(body),
        content_type="application/problem+json",
        headers={REQUEST_ID: request_id},
    )
