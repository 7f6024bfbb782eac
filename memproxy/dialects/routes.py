"""Which API a request speaks: the one place where dialects are registered, and which provider gets what.

    path and headers ─► provider (whose base URL and credential) and, where we understand it, a `Route`

Everything that no route matches passes through untouched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from memproxy.dialects.anthropic_messages import AnthropicMessages
from memproxy.dialects.dialect import Dialect
from memproxy.dialects.gemini import Gemini
from memproxy.dialects.openai_chat import OpenAIChat
from memproxy.dialects.openai_responses import OpenAIResponses


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


CHAT, RESPONSES, MESSAGES, GEMINI = OpenAIChat(), OpenAIResponses(), AnthropicMessages(), Gemini()
_MODEL = r"/v1(?:beta)?/(?:models|tunedModels)/[^/:]+:"

ROUTES = (
    _route(CHAT, Act.TURN, "POST", r"/v1/chat/completions"),
    _route(CHAT, Act.TURN, "POST", r"/v1beta/openai/chat/completions"),
    _route(RESPONSES, Act.TURN, "POST", r"/v1/responses"),
    _route(RESPONSES, Act.COUNT, "POST", r"/v1/responses/input_tokens"),
    _route(RESPONSES, Act.FETCH, "GET", r"/v1/responses/(?P<id>[^/]+)"),
    _route(RESPONSES, Act.FETCH, "POST", r"/v1/responses/(?P<id>[^/]+)/cancel"),
    _route(MESSAGES, Act.TURN, "POST", r"/v1/messages"),
    _route(MESSAGES, Act.COUNT, "POST", r"/v1/messages/count_tokens"),
    _route(GEMINI, Act.TURN, "POST", _MODEL + "generateContent"),
    _route(GEMINI, Act.TURN, "POST", _MODEL + "streamGenerateContent", pieces=True),
    _route(GEMINI, Act.COUNT, "POST", _MODEL + "countTokens"),
)

_ERRORS: Mapping[Provider, Dialect] = {Provider.OPENAI: CHAT, Provider.ANTHROPIC: MESSAGES, Provider.GEMINI: GEMINI}
"""In which shape each provider's clients expect an error, where no route says so."""


_GEMINI = re.compile(r"(?:/upload)?/v1beta(?:/.*)?|/v1/(?:models|tunedModels)/[^/]+:\w+")


def route(method: str, path: str) -> Route | None:
    """The route of a request; `path` without its query, from its version on."""
    return next((one for one in ROUTES if one.method == method and one.path.fullmatch(path)), None)


def provider(path: str, headers: Mapping[str, str]) -> Provider:
    """By the path, and by the headers that Anthropic's and Google's clients send with every request, files and lists
    of models too."""
    if _GEMINI.fullmatch(path) or "x-goog-api-key" in headers:
        return Provider.GEMINI
    if path.startswith("/v1/messages") or "anthropic-version" in headers:
        return Provider.ANTHROPIC
    return Provider.OPENAI


def spoken(method: str, path: str, headers: Mapping[str, str]) -> Dialect:
    """In whose shape an error is told; `path` with the ids that may stand before its version."""
    path = path[max(path.find("/v1"), 0) :]
    found = route(method, path)
    return found.dialect if found else _ERRORS[provider(path, headers)]
