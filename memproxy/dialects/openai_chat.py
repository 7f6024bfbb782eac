"""OpenAI chat completions, and the many servers that speak it.

The request is decoded only as deep as `raw.py` says; a block goes in by its offset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.dialect import Answer, Ending, Marker, Prompt, Said, Splice, Unreadable
from memproxy.dialects.events import events
from memproxy.dialects.raw import (
    BROKEN,
    NONE,
    Slot,
    address,
    decoded,
    end_of,
    head,
    items_of,
    mended,
    parsed,
    start_of,
    text_of,
)
from memproxy.domain import Usage
from memproxy.errors import MemproxyError


class _Message(Struct):
    role: Raw = NONE
    content: Raw = NONE
    name: Raw = NONE
    tool_calls: Raw = NONE
    tool_call_id: Raw = NONE
    function_call: Raw = NONE
    refusal: Raw = NONE


class _Request(Struct):
    messages: Raw
    model: Raw = NONE


class _Claims(Struct):
    user: Raw = NONE
    safety_identifier: Raw = NONE
    metadata: Raw = NONE


@dataclass(frozen=True, slots=True)
class _Source:
    """The buffer that was decoded, and the views into it."""

    buffer: bytes
    messages: list[_Message]
    whole: Raw


class _Call(Struct):
    index: int = 0
    id: str | None = None
    function: dict[str, Any] | None = None


class _Said(Struct):
    """A `message` of a reply, or a `delta` of a stream."""

    content: Raw = NONE
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Struct):
    index: int = 0
    message: _Said | None = None
    delta: _Said | None = None
    finish_reason: str | None = None


class _Usage(Struct):
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0


class _Reply(Struct):
    choices: list[_Choice] | None = None
    model: str | None = ""
    usage: _Usage | None = None
    error: Raw = NONE


_claims = msgspec.json.Decoder(_Claims)
_request = msgspec.json.Decoder(_Request)
_messages = msgspec.json.Decoder(list[_Message])
_reply = msgspec.json.Decoder(_Reply)

# A line of its own, which no JSON string can forge: inside one, a line break is escaped.
_DONE = re.compile(rb"(?:\A|[\r\n])data: ?\[DONE\]")
_CUT_OFF = re.compile(
    rb'"message"\s*:\s*\{[^{}]*?"content"\s*:\s*"((?:[^"\\]|\\[^u]|\\u[0-9a-fA-F]{4})*)(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z',
    re.DOTALL,
)


def content_text(content: Raw) -> str:
    """The words in a message's content: a string, or the `text` parts of a list."""
    if head(content) == b'"':
        return text_of(content)
    return "\n".join(text for part in items_of(content) if (text := _part_text(part)))


def _part_text(part: Raw) -> str:
    # Looking for the key first spares decoding an image of megabytes.
    if b'"text"' not in bytes(memoryview(part)[:4096]):
        return ""
    value = decoded(part)
    text = value.get("text") if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""


class OpenAIChat:
    """`POST /chat/completions`."""

    name = "openai_chat"

    def claim(self, body: bytes) -> str | None:
        try:
            return _claimed_entity(_claims.decode(body))
        except BROKEN:
            return None

    def read(self, body: bytes) -> Prompt:
        buffer, request = parsed(_request, body)
        try:
            messages = _messages.decode(request.messages)
            said = tuple(map(_said, messages))
            return Prompt(said, text_of(request.model), _Source(buffer, messages, request.messages))
        except BROKEN as exc:
            raise Unreadable(str(exc)) from exc

    def insert(self, body: bytes, prompt: Prompt, blocks: Mapping[int, str]) -> bytes:
        source = _source(prompt)
        origin, splice = address(source.buffer), Splice()
        for index, block in blocks.items():
            slot = start_of(source.messages[index].content, origin)
            if slot is None:
                continue
            text = msgspec.json.encode(block)
            part = b'{"type":"text","text":' + text + (b"}," if slot.more else b"}")
            splice.add(slot.offset, text[1:-1] if slot.kind == "text" else part)
        return splice.apply(body)

    def insert_system(self, body: bytes, prompt: Prompt, blocks: tuple[str, ...]) -> bytes:
        if not blocks:
            return body
        slot = _system_slot(_source(prompt), prompt.messages)
        text = msgspec.json.encode("\n\n".join(block.strip() for block in blocks))
        piece = {
            "text": b"\\n\\n" + text[1:-1],
            "part": (b"," if slot.more else b"") + b'{"type":"text","text":' + text + b"}",
            "message": b'{"role":"system","content":' + text + (b"}," if slot.more else b"}"),
        }[slot.kind]
        splice = Splice()
        splice.add(slot.offset, piece)
        return splice.apply(body)

    def answer(self, body: bytes, *, stream: bool) -> Answer | None:
        replies = list(_events(body) if stream else _whole(body))
        calls, finished, usage, model, failed = _Calls(), stream is False, None, "", False
        pieces: list[str] = []
        for reply in replies:
            model, usage = reply.model or model, reply.usage or usage
            failed = failed or bytes(reply.error) != b"null"
            for choice in reply.choices or ():
                if choice.index != 0:
                    continue  # of several choices the first is the one remembered as said
                finished = finished or choice.finish_reason is not None
                said = choice.message or choice.delta
                if said is not None:
                    pieces += [content_text(said.content), said.refusal or ""]
                    calls.add(said.tool_calls or ())
        text = "".join(pieces)
        if not stream and not replies and (text := _cut_off(body)):
            return Answer(text, complete=False)
        if not text and not calls:
            return None
        used = Usage(model, (usage.prompt_tokens or 0), (usage.completion_tokens or 0)) if usage else None
        return Answer(text, calls.ids, calls.json(), finished and not failed, used)

    def ending(self) -> Ending:
        return Marker(hint=b"[DONE]", pattern=_DONE)

    def refusal(self, error: MemproxyError, request_id: str) -> bytes:
        said = {"message": str(error), "type": "memproxy_error", "param": error.param, "code": error.code}
        return msgspec.json.encode({"error": {**said, "request_id": request_id}})


class _Calls:
    """Tool calls put together from the pieces of a stream."""

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, calls: Iterator[_Call] | list[_Call] | tuple[_Call, ...]) -> None:
        for position, call in enumerate(calls):
            # A whole message numbers its calls by position, a stream by `index`.
            known = self._calls.setdefault(call.index or position, {"id": "", "type": "function", "function": {}})
            known["id"] = call.id or known["id"]
            for field, value in (call.function or {}).items():
                known["function"][field] = known["function"].get(field, "") + (value if isinstance(value, str) else "")

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(call["id"] for call in self._calls.values())

    def json(self) -> bytes | None:
        return msgspec.json.encode({"tool_calls": list(self._calls.values())}) if self._calls else None


def _source(prompt: Prompt) -> _Source:
    assert isinstance(prompt.source, _Source)
    return prompt.source


def _said(message: _Message) -> Said:
    role, text = text_of(message.role), content_text(message.content)
    if message.tool_calls is message.tool_call_id is message.function_call is message.refusal is message.name is NONE:
        return Said(role, text)  # nearly all messages have no more
    call_id = text_of(message.tool_call_id)
    calls = (call_id,) if call_id else _call_ids(message.tool_calls)
    return Said(role, text, name=text_of(message.name) or None, calls=calls, extra=_extra(message))


def _call_ids(raw: Raw) -> tuple[str, ...]:
    calls = decoded(raw)
    if not isinstance(calls, list):
        return ()
    return tuple(str(call["id"]) for call in calls if isinstance(call, dict) and call.get("id"))


def _extra(message: _Message) -> bytes | None:
    kept = {
        field: value
        for field in ("tool_calls", "tool_call_id", "function_call", "refusal")
        if bytes(memoryview(value := getattr(message, field))[:4]) != b"null"
    }
    return msgspec.json.encode(kept) if kept else None


def _system_slot(source: _Source, said: tuple[Said, ...]) -> Slot:
    """The end of the first system message, or the head of the list of messages."""
    origin = address(source.buffer)
    for message, one in zip(source.messages, said, strict=True):
        slot = end_of(message.content, origin) if one.role in ("system", "developer") else None
        if slot is not None:
            return slot
    return Slot(address(source.whole) - origin + 1, "message", bool(source.messages))


def _claimed_entity(claims: _Claims) -> str | None:
    for raw in (claims.safety_identifier, claims.user):
        if raw is not NONE and (claim := text_of(raw)):
            return claim
    if claims.metadata is NONE:
        return None
    metadata = decoded(claims.metadata)
    person = metadata.get("user_id") if isinstance(metadata, dict) else None
    return person if isinstance(person, str) and person else None


def _whole(body: bytes) -> Iterator[_Reply]:
    for attempt in (bytes, mended):
        try:
            yield _reply.decode(attempt(body))
            return
        except BROKEN:
            continue


def _cut_off(body: bytes) -> str:
    """The text of a JSON reply that broke off in the middle of it."""
    match = _CUT_OFF.search(body)
    try:
        whole_characters = match[1].decode("utf-8", "ignore").encode() if match else b""
        return text_of(Raw(b'"' + mended(whole_characters) + b'"'))
    except BROKEN:
        return ""


def _events(body: bytes) -> Iterator[_Reply]:
    """The chunks of an event stream; one that was cut is left out."""
    for _, data in events(body):
        if not data.startswith(b"[DONE]"):
            yield from _whole(data)
