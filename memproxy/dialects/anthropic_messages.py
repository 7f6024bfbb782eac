"""Anthropic's Messages, the request side: `POST /v1/messages`, and `count_tokens`, which takes the same body.

Where a block goes must not depend on where `cache_control` stands: clients mark their newest message, and in the next
request that message has lost its mark, often with its list of blocks turned back into a string. So a block always goes
inside the last text of the person's message. A string and a list with that one text give the provider the same, no
breakpoint gets another block in front of it but the one that the message itself will have in every later request, and
the number of content blocks, of which the provider's cache looks back over twenty, stays the client's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.anthropic_messages_blocks import (
    Block,
    answered,
    blocks_of,
    own_words,
    replayed,
    results,
    told,
    uses,
)
from memproxy.dialects.anthropic_messages_reply import streamed_answer, whole_answer
from memproxy.dialects.dialect import Answer, Ending, Marker, Prompt, Said, Splice, Unreadable
from memproxy.dialects.raw import (
    BROKEN,
    NONE,
    Slot,
    address,
    decoded,
    end_of,
    given,
    head,
    items_of,
    parsed,
    start_of,
    text_of,
)
from memproxy.errors import MemproxyError

ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""The API's own names; every other status is an `api_error`."""

_SESSION = "_session_"
_SESSION_ID = re.compile(r"[\w-]{8,128}", re.ASCII)
_STOP = re.compile(rb'[\r\n](?:event: ?message_stop[\r\n]|data: ?\{"type": ?"message_stop")')
_NOTHING = re.compile(rb'"\s*"')


class _Message(Struct):
    role: Raw = NONE
    content: Raw = NONE


class _Request(Struct):
    messages: list[_Message]
    system: Raw = NONE
    model: Raw = NONE
    metadata: Raw = NONE
    thread: Raw = NONE


class _Metadata(Struct):
    user_id: Raw = NONE


class _Claims(Struct):
    metadata: Raw = NONE


class _Thread(Struct):
    previous_message_id: Raw = NONE


class _Content(NamedTuple):
    whole: Raw
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class _Source:
    """The buffer that was decoded, and the views into it."""

    buffer: bytes
    contents: tuple[_Content | None, ...]
    """By the index of the message; None where no block may go."""
    system: Raw


_request = msgspec.json.Decoder(_Request)
_metadata = msgspec.json.Decoder(_Metadata)
_claims = msgspec.json.Decoder(_Claims)
_thread = msgspec.json.Decoder(_Thread)


class AnthropicMessages:
    """`POST /v1/messages`."""

    name = "anthropic_messages"

    def claim(self, body: bytes) -> str | None:
        try:
            return _named(parsed(_claims, body)[1].metadata)[0]
        except (Unreadable, *BROKEN):
            return None

    def read(self, body: bytes) -> Prompt:
        buffer, request = parsed(_request, body)
        try:
            said: list[Said] = []
            contents: list[_Content | None] = []
            if given(request.system):
                said.append(Said("system", told(blocks_of(request.system))))
                contents.append(None)
            for message in request.messages:
                role, blocks = text_of(message.role), blocks_of(message.content)
                said.append(_said(role, blocks))
                contents.append(_Content(message.content, blocks) if role == "user" else None)
            session = _named(request.metadata)[1]
            previous = _thread.decode(request.thread).previous_message_id if head(request.thread) == b"{" else NONE
            return Prompt(
                tuple(said),
                text_of(request.model),
                _Source(buffer, tuple(contents), request.system),
                session=session,
                previous=text_of(previous) or None,
            )
        except BROKEN as exc:
            raise Unreadable(str(exc)) from exc

    def insert(self, body: bytes, prompt: Prompt, blocks: Mapping[int, str]) -> bytes:
        source, splice = _source(prompt), Splice()
        origin = address(source.buffer)
        for index, block in blocks.items():
            content = source.contents[index]
            slot = _slot(content, origin) if content is not None else None
            if slot is not None:
                text = msgspec.json.encode(block)
                splice.add(slot.offset, text[1:-1] if slot.kind == "text" else _part(text) + b",")
        return splice.apply(body)

    def insert_system(self, body: bytes, prompt: Prompt, blocks: tuple[str, ...]) -> bytes:
        """After the client's last block of the system text, and so after its last breakpoint there."""
        if not blocks:
            return body
        source, splice = _source(prompt), Splice()
        text = msgspec.json.encode("\n\n".join(block.strip() for block in blocks))
        slot = end_of(source.system, address(source.buffer))
        if slot is not None and slot.kind == "text":
            empty = _NOTHING.fullmatch(source.system) is not None
            splice.add(slot.offset, text[1:-1] if empty else b"\\n\\n" + text[1:-1])
        elif slot is not None:
            splice.add(slot.offset, (b"," if slot.more else b"") + _part(text))
        elif source.system is NONE:
            splice.add(source.buffer.index(b"{") + 1, b'"system":' + text + b",")
        return splice.apply(body)

    def answer(self, body: bytes, *, stream: bool) -> Answer | None:
        read = streamed_answer if stream else whole_answer
        try:
            return read(body)
        except BROKEN:  # bytes that are no UTF-8
            return read(body.decode("utf-8", "replace").encode())

    def ending(self) -> Ending:
        return Marker(hint=b"message_stop", pattern=_STOP)

    def refusal(self, error: MemproxyError, request_id: str) -> bytes:
        details = {"error_code": error.code} | ({"param": error.param} if error.param else {})
        said = {"type": ERRORS.get(error.status, "api_error"), "message": str(error), "details": details}
        return msgspec.json.encode({"type": "error", "error": said, "request_id": request_id})


def _source(prompt: Prompt) -> _Source:
    assert isinstance(prompt.source, _Source)
    return prompt.source


def _part(text: bytes) -> bytes:
    return b'{"type":"text","text":' + text + b"}"


def _said(role: str, blocks: list[Block]) -> Said:
    if role == "assistant":
        calls = tuple(uses(blocks))
        ids = tuple(text_of(call.id) for call in calls)
        return Said(role, answered(blocks), calls=ids, extra=replayed("tool_use", calls))
    text = told(blocks)
    if role == "user" and (answers := tuple(results(blocks))):
        ids = tuple(text_of(answer.tool_use_id) for answer in answers)
        return Said("tool", text, calls=ids, extra=replayed("tool_result", answers))
    if role == "user" and blocks and not text and all(text_of(block.type) == "text" for block in blocks):
        return Said("system", text)  # nothing but reminders: the client's program said it, not the person
    return Said(role, text)


def _slot(content: _Content, origin: int) -> Slot | None:
    """Inside the last text of the person, else before the last block, which keeps its place and its breakpoint.
    Where the API will refuse the message, for it is empty, it is left to do so."""
    texts = [block.text for block in content.blocks if text_of(block.type) == "text"]
    for text in reversed(texts):
        if own_words(text_of(text)).strip():
            return start_of(text, origin)
    if texts or not content.blocks or text_of(content.blocks[-1].type) in ("tool_result", ""):
        return None
    return Slot(address(items_of(content.whole)[-1]) - origin, "part", more=True)


def _named(metadata: Raw) -> tuple[str | None, str | None]:
    """The person and the session. Claude Code writes both into the one field, as
    `user_<device>_account_<account>_session_<session>`, and since 2.1.78 as JSON with these names."""
    said = text_of(_metadata.decode(metadata).user_id) if head(metadata) == b"{" else ""
    if said.startswith("{") and isinstance(value := decoded(said.encode()), dict):
        device, account, session = (_string(value.get(key)) for key in ("device_id", "account_uuid", "session_id"))
        if device or account or session:
            return (f"user_{device}_account_{account}" if device or account else None), session or None
    # Only in this very shape: an app's own `guest_session_<id>` is one person each, not one `guest` for all.
    person, _, session = said.rpartition(_SESSION)
    if person.startswith("user_") and "_account_" in person and _SESSION_ID.fullmatch(session):
        return person, session
    return said or None, None


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
