"""Gemini, the reply side: one JSON object, or many of them, as server-sent events or as a JSON array in pieces.

Each object of a stream adds parts to its candidates; the last one has a `finishReason`. Where a filter stopped the
prompt there are no candidates, and where it stopped the answer there is a reason that says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.cut import closed
from memproxy.dialects.dialect import Answer, Unreadable
from memproxy.dialects.events import events
from memproxy.dialects.gemini_parts import Part, answered, calls_of, ids_of, parts_of, replayed
from memproxy.dialects.raw import NONE, given, parsed
from memproxy.domain import Usage

# Every other reason is a filter, a fault of the model, or says that the answer goes on in another reply.
FINISHED = ("STOP", "MAX_TOKENS")


class _Content(Struct):
    parts: Raw = NONE


class _Candidate(Struct):
    content: _Content | None = None
    finishReason: str | None = None
    index: int | None = None


class _Usage(Struct):
    promptTokenCount: int | None = None
    toolUsePromptTokenCount: int | None = None
    candidatesTokenCount: int | None = None
    thoughtsTokenCount: int | None = None


class _Reply(Struct):
    candidates: list[_Candidate] | None = None
    usageMetadata: _Usage | None = None
    modelVersion: str | None = None
    error: Raw = NONE


_reply = msgspec.json.Decoder(_Reply)
_list = msgspec.json.Decoder(list[Raw])


@dataclass(slots=True)
class _Voice:
    """One candidate as far as it came."""

    parts: list[Part] = field(default_factory=list)
    reason: str | None = None

    @property
    def said(self) -> str:
        return answered(self.parts)

    def message(self) -> dict[str, Any]:
        return {"text": self.said} | replayed("functionCall", calls_of(self.parts))


def answer(body: bytes, *, stream: bool) -> Answer | None:
    """What the model said. Of several candidates the first is remembered as said; the others are kept beside it."""
    replies, cut = _replies(body, stream)
    voices: dict[int, _Voice] = {}
    usage, model, failed = None, "", False
    for reply in replies:
        usage, model = reply.usageMetadata or usage, reply.modelVersion or model
        failed = failed or given(reply.error)
        for position, candidate in enumerate(reply.candidates or ()):
            voice = voices.setdefault(position if candidate.index is None else candidate.index, _Voice())
            parts = parts_of(candidate.content.parts) if candidate.content else []
            # That it was a thought, or all that a function is given, might have come later in the part.
            voice.parts += parts[:-1] if cut and reply is replies[-1] else parts
            voice.reason = candidate.finishReason or voice.reason
    first, *others = [voice for _, voice in sorted(voices.items())] or [_Voice()]
    calls = calls_of(first.parts)
    text = first.said
    if not text and not calls:
        return None
    extra = replayed("functionCall", calls) | ({"candidates": [other.message() for other in others]} if others else {})
    return Answer(
        text,
        ids_of(calls),
        msgspec.json.encode(extra) if extra else None,
        not (cut or failed) and (first.reason in FINISHED or (first.reason is None and not stream)),
        _used(usage, model),
    )


def _replies(body: bytes, stream: bool) -> tuple[list[_Reply], bool]:
    """The objects of a reply, and whether the last of them is cut."""
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if stream and not body.startswith(b"["):
        return [reply for _, data in events(body) if (reply := _read(data))], False
    if not body.startswith(b"["):
        reply, cut = _read(body), False
        if reply is None:
            reply, cut = _read(closed(body)), True
        return [reply] if reply else [], cut
    found = _elements(body) or _elements(closed(body))
    cut = bool(found) and not body.rstrip(b", \t\r\n]").endswith(bytes(found[-1]).rstrip(b"]"))
    return [reply for raw in found if (reply := _read(bytes(raw)))], cut


def _elements(text: bytes) -> list[Raw]:
    try:
        return parsed(_list, text)[1]
    except Unreadable:
        return []


def _read(data: bytes) -> _Reply | None:
    try:
        return parsed(_reply, data)[1]
    except Unreadable:
        return None


def _used(usage: _Usage | None, model: str) -> Usage | None:
    """What was thought was paid for as an answer, and what tools returned as a prompt."""
    if usage is None:
        return None
    prompt = (usage.promptTokenCount or 0) + (usage.toolUsePromptTokenCount or 0)
    return Usage(model, prompt, (usage.candidatesTokenCount or 0) + (usage.thoughtsTokenCount or 0))


class ArrayEnd:
    """Watches for the bracket that closes a JSON array; in an event stream there is no end but that of the body."""

    _SIGN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?P<end>")?+|[\[{]|[\]}]', re.DOTALL)
    _STRING = re.compile(rb'(?:[^"\\]++|\\.)*+(?P<end>")?+', re.DOTALL)

    def __init__(self) -> None:
        self._depth = 0
        self._begun = self._array = self._quoted = self._escaped = False

    def feed(self, piece: bytes) -> int | None:
        if not self._begun and (start := piece.lstrip(b"\xef\xbb\xbf \t\r\n")):
            self._begun, self._array = True, start.startswith(b"[")
        return self._scan(piece) if self._array and piece else None

    def _scan(self, piece: bytes) -> int | None:
        position, self._escaped = int(self._escaped), False
        if self._quoted:
            position = self._leave(piece, self._STRING.match(piece, position))
        depth = self._depth
        for match in self._SIGN.finditer(piece, position):
            sign = match[0]
            if sign in (b"[", b"{"):
                depth += 1
            elif sign in (b"]", b"}"):
                depth -= 1
                if depth == 0:
                    return match.start()
            else:
                self._leave(piece, match)
        self._depth = depth
        return None

    def _leave(self, piece: bytes, string: re.Match[bytes] | None) -> int:
        """The end of a string, or of the piece, which may have cut an escape."""
        end = string.end() if string else 0
        self._quoted = string is None or string["end"] is None
        self._escaped = self._quoted and end < len(piece)
        return len(piece) if self._quoted else end
