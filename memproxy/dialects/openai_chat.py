"""OpenAI chat completions, and the many servers that speak it: the request. The reply is in `openai_chat_reply.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects import openai
from memproxy.dialects.attachments import mention
from memproxy.dialects.dialect import Answer, Ending, Marker, Prompt, Said, Splice, Unreadable
from memproxy.dialects.openai_chat_calls import calls_of
from memproxy.dialects.openai_chat_reply import aloud, answer
from memproxy.dialects.raw import BROKEN, NONE, Slot, address, decoded, end_of, given, parsed, start_of, text_of
from memproxy.errors import MemproxyError


class _Message(Struct):
    role: Raw = NONE
    content: Raw = NONE
    name: Raw = NONE
    tool_calls: Raw = NONE
    tool_call_id: Raw = NONE
    function_call: Raw = NONE
    refusal: Raw = NONE
    audio: Raw = NONE


class _Request(Struct):
    messages: list[_Message]
    model: Raw = NONE


class _Whole(Struct):
    messages: Raw


@dataclass(frozen=True, slots=True)
class _Source:
    """The buffer that was decoded, and the views into it."""

    buffer: bytes
    messages: list[_Message]


_request = msgspec.json.Decoder(_Request)
_whole = msgspec.json.Decoder(_Whole)

# A line of its own, which no JSON string can forge: inside one, a line break is escaped.
_DONE = re.compile(rb"[\r\n]data: ?\[DONE\]")


class OpenAIChat:
    """`POST /chat/completions`."""

    name = "openai_chat"

    def claim(self, body: bytes) -> str | None:
        return openai.claim(body)

    def read(self, body: bytes) -> Prompt:
        buffer, request = parsed(_request, body)
        try:
            said = tuple(map(_said, request.messages))
            return Prompt(said, text_of(request.model), _Source(buffer, request.messages))
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
        return answer(body, stream=stream)

    def ending(self) -> Ending:
        return Marker(hint=b"[DONE]", pattern=_DONE)

    def refusal(self, error: MemproxyError, request_id: str) -> bytes:
        return openai.refusal(error, request_id)


def _source(prompt: Prompt) -> _Source:
    assert isinstance(prompt.source, _Source)
    return prompt.source


def _said(message: _Message) -> Said:
    role, text = text_of(message.role), openai.content_text(message.content)
    if role == "assistant":
        text = aloud(text)
    if (
        message.tool_calls is message.tool_call_id is message.function_call is NONE
        and message.refusal is message.audio is message.name is NONE
    ):
        return Said(role, text)  # nearly all messages have no more
    name = text_of(message.name)
    text = text or text_of(message.refusal) or _audio(message.audio)
    return Said(role, text, name=name or None, calls=_calls(message, role, name), extra=_extra(message))


def _audio(raw: Raw) -> str:
    """An answer that was spoken is resent by its id alone; `Answer.resent` says the same."""
    audio = decoded(raw) if given(raw) else None
    return mention("audio", str(audio.get("id") or "")) if isinstance(audio, dict) else ""


def _calls(message: _Message, role: str, name: str) -> tuple[str, ...]:
    if call_id := text_of(message.tool_call_id):
        return (call_id,)
    if role == "function":
        return (name,) if name else ()
    return calls_of(decoded(message.tool_calls), decoded(message.function_call))


def _extra(message: _Message) -> bytes | None:
    kept = {
        field: value
        for field in ("tool_calls", "tool_call_id", "function_call", "refusal", "audio")
        if given(value := getattr(message, field))
    }
    return msgspec.json.encode(kept) if kept else None


def _system_slot(source: _Source, said: tuple[Said, ...]) -> Slot:
    """The end of the first system message, or the head of the list of messages."""
    origin = address(source.buffer)
    for message, one in zip(source.messages, said, strict=True):
        slot = end_of(message.content, origin) if one.role in ("system", "developer") else None
        if slot is not None:
            return slot
    return Slot(address(_whole.decode(source.buffer).messages) - origin + 1, "message", bool(source.messages))
