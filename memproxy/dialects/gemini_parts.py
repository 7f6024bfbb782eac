"""What the parts of Gemini's contents say: the same reading for a request and for a reply.

The API takes every name in camelCase and in snake_case, and one part where a list of parts is due. Thoughts and their
signatures go back and forth untouched and are never remembered; neither is code that the model ran.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.attachments import mention, mention_at
from memproxy.dialects.raw import NONE, decoded, given, head, text_of
from memproxy.dialects.spoken import spoken


class Part(Struct):
    text: Raw = NONE
    thought: Raw = NONE
    functionCall: Raw = NONE
    function_call: Raw = NONE
    functionResponse: Raw = NONE
    function_response: Raw = NONE
    toolResponse: Raw = NONE
    tool_response: Raw = NONE
    inlineData: Raw = NONE
    inline_data: Raw = NONE
    fileData: Raw = NONE
    file_data: Raw = NONE


class _Call(Struct):
    """A function call, or the response to one."""

    id: Raw = NONE
    name: Raw = NONE
    args: Raw = NONE
    response: Raw = NONE


class _Data(Struct):
    mimeType: Raw = NONE
    mime_type: Raw = NONE
    displayName: Raw = NONE
    display_name: Raw = NONE
    fileUri: Raw = NONE
    file_uri: Raw = NONE


_parts = msgspec.json.Decoder(list[Part])
_part = msgspec.json.Decoder(Part)
_call = msgspec.json.Decoder(_Call)
_data = msgspec.json.Decoder(_Data)


def either(camel: Raw, snake: Raw) -> Raw:
    return snake if camel is NONE else camel


def parts_of(raw: Raw) -> list[Part]:
    return [_part.decode(raw)] if head(raw) == b"{" else _parts.decode(raw) if head(raw) == b"[" else []


def is_text(part: Part) -> bool:
    return given(part.text) and head(part.thought) != b"t"


def told(parts: Iterable[Part]) -> str:
    """The words of a person or of a tool, one part a line."""
    return "\n".join(filter(None, map(_told, parts)))


def answered(parts: Iterable[Part]) -> str:
    """The words of the model."""
    return spoken(_told(part) or None for part in parts if head(part.thought) != b"t")


def _told(part: Part) -> str:
    if given(part.text):
        return text_of(part.text) if is_text(part) else ""
    if head(response := either(part.functionResponse, part.function_response)) == b"{":
        return _output(_call.decode(response).response)
    if head(data := either(part.inlineData, part.inline_data)) == b"{":
        return _attached(_data.decode(data))
    if head(data := either(part.fileData, part.file_data)) == b"{":
        return _attached(_data.decode(data))
    return ""


def _output(response: Raw) -> str:
    """What a function returned: an object, most often with one text in it."""
    match decoded(response):
        case {"output": str(text)} | {"result": str(text)}:
            return text
        case None:
            return ""
    return bytes(response).decode("utf-8", "replace")


def _attached(data: _Data) -> str:
    kind = text_of(either(data.mimeType, data.mime_type)).partition("/")[0]
    kind = kind if kind in ("image", "audio", "video") else "file"
    name, uri = text_of(either(data.displayName, data.display_name)), either(data.fileUri, data.file_uri)
    return mention(kind, name) if name or not given(uri) else mention_at(kind, uri)


def answers(parts: Iterable[Part]) -> bool:
    """Whether a tool speaks."""
    found = (
        either(either(part.functionResponse, part.function_response), either(part.toolResponse, part.tool_response))
        for part in parts
    )
    return any(map(given, found))


def calls_of(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Calls of functions as the API takes them back."""
    return _named(["id", "name", "args"], (either(part.functionCall, part.function_call) for part in parts))


def responses_of(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """The heads of what functions returned."""
    return _named(["id", "name"], (either(part.functionResponse, part.function_response) for part in parts))


def _named(fields: list[str], raws: Iterable[Raw]) -> list[dict[str, Any]]:
    """Without a name it is a further piece of a call that came before."""
    calls = [_call.decode(raw) for raw in raws if head(raw) == b"{"]
    return [
        {field: value for field in fields if given(value := getattr(call, field))} for call in calls if given(call.name)
    ]


def ids_of(calls: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """A call that has no id is known by the function's name, as the API itself does."""
    return tuple(text_of(call.get("id", NONE)) or text_of(call["name"]) for call in calls)


def replayed(kind: str, calls: Iterable[dict[str, Any]]) -> dict[str, Any]:
    parts = [{kind: call} for call in calls]
    return {"parts": parts} if parts else {}
