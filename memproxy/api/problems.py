"""Errors as the caller expects them: OpenAI's error object on the data plane, RFC 9457 problems on the API."""

from __future__ import annotations

import json

from aiohttp import web

from memproxy.errors import MemproxyError

REQUEST_ID = "X-Memproxy-Request-Id"


def openai_error(error: MemproxyError, request_id: str) -> web.Response:
    """`{"error": {...}}`, as OpenAI clients parse it."""
    body = {
        "message": str(error),
        "type": "memproxy_error",
        "param": error.param,
        "code": error.code,
        "request_id": request_id,
    }
    return web.Response(
        status=error.status,
        text=json.dumps({"error": body}),
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
