"""Which API a request speaks: the one place where dialects are registered, and which provider gets what.

    path and headers ─► provider (whose base URL and credential) and, where we understand it, a `Route`

Everything that no route matches passes through untouched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from memproxy.dialects.dialect import Dialect
from memproxy.dialects.openai_chat import OpenAIChat


class Provider(StrEnum):
    """Whose API it is: each has a base URL and a credential in the settings."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


class Act(StrEnum):
    """What a request does, as far as memory is concerned."""

    TURN = "turn"
    """The person says something, and is answered."""
    COUNT = "count"
    """The tokens of a prompt are counted: it gets the blocks already given, and nothing is remembered."""
    FETCH = "fetch"
    """An answer that was made in the background is fetched: it is remembered, if it was not yet."""


@dataclass(frozen=True, slots=True)
class Route:
    dialect: Dialect
    act: Act
    method: str
    path: re.Pattern[str]
    """Matches the whole path, without its query and with the slash that some clients leave at the end."""
    pieces: bool = False
    """The reply comes in pieces that mean something by themselves, whatever its content type says."""


def _route(dialect: Dialect, act: Act, method: str, path: str, *, pieces: bool = False) -> Route:
    return Route(dialect, act, method, re.compile(path + "/?"), pieces)


CHAT = OpenAIChat()

ROUTES = (
    _route(CHAT, Act.TURN, "POST", r"/v1/chat/completions"),
    _route(CHAT, Act.TURN, "POST", r"/v1beta/openai/chat/completions"),
)

SPOKEN: Mapping[Provider, Dialect] = {Provider.OPENAI: CHAT, Provider.ANTHROPIC: CHAT, Provider.GEMINI: CHAT}
"""In which shape each provider's clients expect an error, where no route says so."""


def route(method: str, path: str) -> Route | None:
    """The route of a request; `path` without its query, from `/v1` or `/v1beta` on."""
    return next((one for one in ROUTES if one.method == method and one.path.fullmatch(path)), None)


def provider(path: str, headers: Mapping[str, str]) -> Provider:
    """By the path, and by the header that Anthropic's clients send with every request, `/v1/models` and files too."""
    if path.startswith("/v1beta"):
        return Provider.GEMINI
    if path.startswith("/v1/messages") or "anthropic-version" in headers:
        return Provider.ANTHROPIC
    return Provider.OPENAI
