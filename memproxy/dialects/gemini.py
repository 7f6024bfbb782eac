"""Gemini, the request side: `generateContent`, `streamGenerateContent`, and `countTokens`, which takes the same body or
wraps it into a `generateContentRequest`.

The model stands in the path. The body names nobody: `labels`, where a platform knows them, are for its bills.
A block is a part of its own before the last text of the person's content: what stands before it, a document that many
requests share, keeps its place in the provider's cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects import gemini_reply
from memproxy.dialects.dialect import Answer, Ending, Prompt, Said, Splice, Unreadable
from memproxy.dialects.gemini_parts import (
    Part,
    answered,
    answers,
    calls_of,
    either,
    ids_of,
    is_text,
    parts_of,
    replayed,
    responses_of,
    told,
)
from memproxy.dialects.raw import BROKEN, NONE, address, end_of, given, head, items_of, parsed, start_of, text_of
from memproxy.errors import MemproxyError

STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""Names of `google.rpc.Code`; every other status is `INTERNAL`."""
_TYPE = "type.googleapis.com/google.rpc."


class _Content(Struct):
    role: Raw = NONE
    parts: Raw = NONE


class _Request(Struct):
    contents: list[_Content] | _Content | None = None
    model: Raw = NONE
    systemInstruction: Raw = NONE
    system_instruction: Raw = NONE
    cachedContent: Raw = NONE
    cached_content: Raw = NONE
    generateContentRequest: Raw = NONE
    generate_content_request: Raw = NONE


class _Parts(NamedTuple):
    whole: Raw
    each: list[Part]


@dataclass(frozen=True, slots=True)
class _Source:
    """The buffer that was decoded, and the views into it."""

    buffer: bytes
    start: int
    """Of the object that holds the contents."""
    parts: tuple[_Parts | None, ...]
    """By the index of the message; None where no block may go."""
    system: Raw
    cached: bool
    """The system text is in the provider's cache, and the API refuses another beside it."""


_request = msgspec.json.Decoder(_Request)
_content = msgspec.json.Decoder(_Content)


class Gemini:
    """`POST /v1beta/models/{model}:generateContent`."""

    name = "gemini"

    def claim(self, body: bytes) -> str | None:
        return None

    def read(self, body: bytes) -> Prompt:
        buffer, request = parsed(_request, body)
        try:
            start = buffer.index(b"{")
            wrapped = either(request.generateContentRequest, request.generate_content_request)
            if request.contents is None and given(wrapped):
                start, request = address(wrapped) - address(buffer), _request.decode(wrapped)
            if request.contents is None:
                raise Unreadable("no contents")
            turns = _turns(request.contents if isinstance(request.contents, list) else [request.contents])
            said = [_said(role, parts.each) for role, parts in turns]
            # A tool's answer gets no part beside its own: there must be as many as there were calls.
            places = [parts if one.role == "user" else None for one, (_, parts) in zip(said, turns, strict=True)]
            system = either(request.systemInstruction, request.system_instruction)
            if given(system):
                said, places = [Said("system", _text(system)), *said], [None, *places]
            cached = given(either(request.cachedContent, request.cached_content))
            source = _Source(buffer, start, tuple(places), system, cached)
            return Prompt(tuple(said), text_of(request.model), source)
        except BROKEN as exc:
            raise Unreadable(str(exc)) from exc

    def insert(self, body: bytes, prompt: Prompt, blocks: Mapping[int, str]) -> bytes:
        source, splice = _source(prompt), Splice()
        for index, block in blocks.items():
            parts = source.parts[index]
            if parts is not None:
                _put(splice, parts, msgspec.json.encode(block), address(source.buffer))
        return splice.apply(body)

    def insert_system(self, body: bytes, prompt: Prompt, blocks: tuple[str, ...]) -> bytes:
        source, splice = _source(prompt), Splice()
        if not blocks or _append(splice, source, msgspec.json.encode("\n\n".join(block.strip() for block in blocks))):
            return splice.apply(body)
        # The system text cannot be added to: the newest message takes what it would have held.
        newest = max((index for index, parts in enumerate(source.parts) if parts is not None), default=None)
        return body if newest is None else self.insert(body, prompt, {newest: "".join(blocks)})

    def answer(self, body: bytes, *, stream: bool) -> Answer | None:
        try:
            return gemini_reply.answer(body, stream=stream)
        except BROKEN:  # bytes that are no UTF-8
            return gemini_reply.answer(body.decode("utf-8", "replace").encode(), stream=stream)

    def ending(self) -> Ending:
        return gemini_reply.ArrayEnd()

    def refusal(self, error: MemproxyError, request_id: str) -> bytes:
        param = {"param": error.param} if error.param else {}
        reason = {"@type": _TYPE + "ErrorInfo", "reason": error.code.upper(), "domain": "memproxy", "metadata": param}
        request = {"@type": _TYPE + "RequestInfo", "requestId": request_id}
        said = {"code": error.status, "message": str(error), "status": STATUS.get(error.status, "INTERNAL")}
        return msgspec.json.encode({"error": said | {"details": [reason, request]}})


def _source(prompt: Prompt) -> _Source:
    assert isinstance(prompt.source, _Source)
    return prompt.source


def _text(system: Raw) -> str:
    return text_of(system) if head(system) == b'"' else told(parts_of(_content.decode(system).parts))


def _turns(contents: list[_Content]) -> list[tuple[str, _Parts]]:
    """Google's own clients put each piece of a streamed answer into the history as a content: together they are one."""
    turns: list[tuple[str, _Parts]] = []
    for content in contents:
        role, parts = text_of(content.role), parts_of(content.parts)
        if role == "model" and turns and turns[-1][0] == role:
            turns[-1][1].each.extend(parts)
        else:
            turns.append((role, _Parts(content.parts, parts)))
    return turns


def _said(role: str, parts: list[Part]) -> Said:
    if role == "model":
        calls = calls_of(parts)
        return Said("assistant", answered(parts), calls=ids_of(calls), extra=_extra("functionCall", calls))
    if role == "function" or answers(parts):
        calls = responses_of(parts)
        return Said("tool", told(parts), calls=ids_of(calls), extra=_extra("functionResponse", calls))
    return Said(role or "user", told(parts))


def _extra(kind: str, calls: list[dict[str, Raw]]) -> bytes | None:
    return msgspec.json.encode(replayed(kind, calls)) if calls else None


def _put(splice: Splice, parts: _Parts, text: bytes, origin: int) -> None:
    """Before the last text, else after whatever there is; a content without parts is left to the API to refuse."""
    texts = [index for index, part in enumerate(parts.each) if is_text(part) and text_of(part.text).strip()]
    if head(parts.whole) == b"{":
        slot = start_of(parts.each[0].text, origin) if texts else None
        if slot is not None:
            splice.add(slot.offset, text[1:-1])
    elif texts:
        splice.add(address(items_of(parts.whole)[texts[-1]]) - origin, b'{"text":' + text + b"},")
    elif parts.each and not any(map(is_text, parts.each)) and (slot := end_of(parts.whole, origin)) is not None:
        splice.add(slot.offset, b',{"text":' + text + b"}")


def _append(splice: Splice, source: _Source, text: bytes) -> bool:
    """The text at the end of the system instruction; False where there is no place for it."""
    if source.cached:
        return False
    if source.system is NONE:
        splice.add(source.start + 1, b'"systemInstruction":{"parts":[{"text":' + text + b"}]},")
        return True
    parts = _content.decode(source.system).parts if head(source.system) == b"{" else source.system
    found = parts_of(parts)
    where = found[0].text if head(parts) == b"{" else parts
    slot = end_of(where, address(source.buffer))
    if slot is None:
        return False
    if slot.kind == "text":
        splice.add(slot.offset, b"\\n\\n" + text[1:-1])
    else:
        splice.add(slot.offset, (b"," if slot.more else b"") + b'{"text":' + text + b"}")
    return True
