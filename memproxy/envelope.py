"""What the envelope of a data-plane request says: whose API it is, the ids it names, the memory mode."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from memproxy.auth import Caller
from memproxy.dialects import routes
from memproxy.dialects.routes import Act, Provider, Route
from memproxy.errors import BadRequest, NotFound
from memproxy.exchange import MODES, Call, Mode
from memproxy.identity import valid_id

# Google's clients upload below /upload.
_PLANE = re.compile(r"/(?:upload/)?v1(?:beta)?(?=[/?]|\Z)")
_PREFIX = re.compile(r"/e/(?P<entity>[^/?]*)(?:/p/(?P<process>[^/?]*))?(?:/s/(?P<session>[^/?]*))?(?=/(?:upload/)?v1)")
_NAMES = {
    "entity": "X-Memproxy-Entity",
    "process": "X-Memproxy-Process",
    "session": "X-Memproxy-Session",
}
# Agents send these by themselves; one that is no id of the kind they send is not theirs.
_AGENTS = re.compile(r"(?:x-session-id|session-id|session_id|conversation_id|x-[a-z0-9]+-session-id)")
_AGENT_ID = re.compile(r"[A-Za-z0-9_-]{8,128}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `path` from its version on and `query` as the client sent them, the ids its prefix names,
    whose API it is and, where memory understands it, the route."""

    path: str
    query: str
    named: Mapping[str, str]
    provider: Provider
    route: Route | None


def target(method: str, raw_path: str, headers: Mapping[str, str]) -> Target:
    """Raises `NotFound` for a path that is not on the data plane."""
    prefix = _PREFIX.match(raw_path)
    rest = raw_path[prefix.end() :] if prefix else raw_path
    if not _PLANE.match(rest):
        raise NotFound("there is nothing at this path; the data plane is below /v1, the memory API below /memory/v1")
    named = {name: unquote(value) for name, value in prefix.groupdict().items() if value is not None} if prefix else {}
    path, _, query = rest.partition("?")
    return Target(path, query, named, routes.provider(path, headers), routes.route(method, path))


def call(request_id: str, caller: Caller, headers: Mapping[str, str], to: Target) -> Call:
    """Headers go before the path. Raises `BadRequest` naming the header (or the part of the path) at fault."""
    ids = {name: _named(name, header, headers, to) for name, header in _NAMES.items()}
    ids["session"] = ids["session"] or _agent_session(headers)
    fetched = to.route.path.fullmatch(to.path) if to.route and to.route.act is Act.FETCH else None
    return Call(request_id, caller, mode=_mode(headers), fetched=fetched["id"] if fetched else None, **ids)


def _agent_session(headers: Mapping[str, str]) -> str | None:
    """The conversation, as the headers of a coding agent name it."""
    for name, value in headers.items():
        lower = name.lower()
        if "session" not in lower and lower != "conversation_id":
            continue  # nearly all headers
        if not lower.startswith("x-memproxy-") and _AGENTS.fullmatch(lower) and _AGENT_ID.fullmatch(value):
            return value
    return None


def _named(name: str, header: str, headers: Mapping[str, str], to: Target) -> str | None:
    if header in headers:
        return valid_id(headers[header], source=header)
    return valid_id(to.named[name], source=f"the {name} in the path") if name in to.named else None


def _mode(headers: Mapping[str, str]) -> Mode:
    value = headers.get("X-Memproxy-Memory", "on")
    if value.lower() not in MODES:
        raise BadRequest(f"X-Memproxy-Memory must be one of {', '.join(MODES)}", param="X-Memproxy-Memory")
    return MODES[value.lower()]
