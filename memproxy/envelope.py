"""What the envelope of a data-plane request says: the path below its prefix, the ids it names, the memory mode."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from memproxy.auth import Caller
from memproxy.errors import BadRequest, NotFound
from memproxy.identity import valid_id
from memproxy.pipeline import MODES, Call, Mode

_PREFIX = re.compile(r"/e/(?P<entity>[^/?]*)(?:/p/(?P<process>[^/?]*))?(?:/s/(?P<session>[^/?]*))?(?=/v1)")
_NAMES = {
    "entity": "X-Memproxy-Entity",
    "process": "X-Memproxy-Process",
    "session": "X-Memproxy-Session",
}
# Without a query or a fragment, and with the slash that some clients leave behind.
_CHAT = re.compile(r"/chat/completions/?")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `path` below `/v1` with its query, as the client sent it, and the ids its prefix names."""

    path: str
    named: Mapping[str, str]

    @property
    def is_chat(self) -> bool:
        return _CHAT.fullmatch(self.path.partition("?")[0]) is not None


def target(raw_path: str) -> Target:
    """Raises `NotFound` for a path that is not on the data plane."""
    prefix = _PREFIX.match(raw_path)
    rest = raw_path[prefix.end() :] if prefix else raw_path
    if not rest.startswith("/v1") or rest[3:4] not in ("", "/", "?"):
        raise NotFound("there is nothing at this path; the data plane is below /v1, the memory API below /memory/v1")
    named = {name: unquote(value) for name, value in prefix.groupdict().items() if value is not None} if prefix else {}
    return Target(rest[3:], named)


def call(request_id: str, caller: Caller, headers: Mapping[str, str], to: Target) -> Call:
    """Headers go before the path. Raises `BadRequest` naming the header (or the part of the path) at fault."""
    ids = {name: _named(name, header, headers, to) for name, header in _NAMES.items()}
    return Call(request_id, caller, mode=_mode(headers), **ids)


def _named(name: str, header: str, headers: Mapping[str, str], to: Target) -> str | None:
    if header in headers:
        return valid_id(headers[header], source=header)
    return valid_id(to.named[name], source=f"the {name} in the path") if name in to.named else None


def _mode(headers: Mapping[str, str]) -> Mode:
    value = headers.get("X-Memproxy-Memory", "on")
    if value.lower() not in MODES:
        raise BadRequest(f"X-Memproxy-Memory must be one of {', '.join(MODES)}", param="X-Memproxy-Memory")
    return MODES[value.lower()]
