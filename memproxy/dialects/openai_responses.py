"""OpenAI's Responses: the request. The reply is in `openai_responses_reply.py`, what it echoes in
`openai_responses_echo.py`.

Where the provider keeps the conversation, a block among the input would be kept too and pile up: it goes to the end of
the `instructions`, which hold for one request. Where the client keeps it (`store: false`, no chain), the block goes
into the person's item, as in chat completions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects import openai
from memproxy.dialects.dialect import Answer, Ending, Prompt, Restore, Said, Splice, Unreadable
from memproxy.dialects.openai_responses_echo import Echo
from memproxy.dialects.openai_responses_items import read_items, turns
from memproxy.dialects.openai_responses_reply import Terminal, answer
from memproxy.dialects.raw import BROKEN, NONE, address, end_of, given, head, parsed, start_of, text_of
from memproxy.errors import MemproxyError


class _Request(Struct):
    input: Raw = NONE
    instructions: Raw = NONE
    previous_response_id: Raw = NONE
    conversation: Raw = NONE
    store: Raw = NONE
    prompt: Raw = NONE
    model: Raw = NONE


class _Conversation(Struct):
    id: Raw = NONE


@dataclass(frozen=True, slots=True)
class _Source:
    """The buffer that was decoded, and the views into it."""

    buffer: bytes
    request: _Request
    places: tuple[Raw, ...]
    """Of each message, the content that a block may stand in."""


_request = msgspec.json.Decoder(_Request)
_conversation = msgspec.json.Decoder(_Conversation)


def _resent(said: Sequence[Said]) -> bool:
    """A client that sends the answers back keeps the conversation itself, whatever the provider stores beside it."""
    return any(one.role == "assistant" for one in said)


class OpenAIResponses:
    """`POST /responses`, and what fetches an answer that was made in the background."""

    name = "openai_responses"

    def claim(self, body: bytes) -> str | None:
        return openai.claim(body)

    def read(self, body: bytes) -> Prompt:
        buffer, request = parsed(_request, body)
        if request.input is request.prompt is request.conversation is request.previous_response_id is NONE:
            raise Unreadable("nothing that a response is made from")
        try:
            said, places = _messages(request.input)
            session = _conversation_of(request.conversation)
            previous = text_of(request.previous_response_id) or None
            return Prompt(
                said,
                text_of(request.model),
                _Source(buffer, request, places),
                session=session,
                previous=previous,
                carried=bool(session or previous) or not (_resent(said) or bytes(request.store) == b"false"),
            )
        except BROKEN as exc:
            raise Unreadable(str(exc)) from exc

    def insert(self, body: bytes, prompt: Prompt, blocks: Mapping[int, str]) -> bytes:
        source = _source(prompt)
        origin, splice = address(source.buffer), Splice()
        for index, block in blocks.items():
            slot = start_of(source.places[index], origin)
            if slot is None:
                continue
            text = msgspec.json.encode(block)
            part = b'{"type":"input_text","text":' + text + (b"}," if slot.more else b"}")
            splice.add(slot.offset, text[1:-1] if slot.kind == "text" else part)
        return splice.apply(body)

    def insert_system(self, body: bytes, prompt: Prompt, blocks: tuple[str, ...]) -> bytes:
        source = _source(prompt)
        own = source.request.instructions
        # The messages of a template are its instructions: ours would stand in their place.
        if not blocks or (given(source.request.prompt) and not given(own)):
            return body
        text = msgspec.json.encode("\n\n".join(block.strip() for block in blocks))
        splice = Splice()
        if own is NONE:
            splice.add(source.buffer.index(b"{") + 1, b'"instructions":' + text + b",")
        elif not given(own):
            splice.add(address(own) - address(source.buffer), text, over=len(bytes(own)))
        elif slot := end_of(own, address(source.buffer)):
            item = b'{"type":"message","role":"developer","content":' + text + b"}"
            splice.add(
                slot.offset, b"\\n\\n" + text[1:-1] if slot.kind == "text" else (b"," if slot.more else b"") + item
            )
        return splice.apply(body)

    def answer(self, body: bytes, *, stream: bool) -> Answer | None:
        return answer(body, stream=stream)

    def ending(self) -> Ending:
        return Terminal()

    def restore(self, body: bytes | None) -> Restore:
        return Echo(None if body is None else _own_instructions(body))

    def refusal(self, error: MemproxyError, request_id: str) -> bytes:
        return openai.refusal(error, request_id)


def _source(prompt: Prompt) -> _Source:
    assert isinstance(prompt.source, _Source)
    return prompt.source


def _messages(raw: Raw) -> tuple[tuple[Said, ...], tuple[Raw, ...]]:
    """What is said, and where. A string is one message of the person."""
    if head(raw) == b'"':
        return (Said("user", text_of(raw)),), (raw,)
    if head(raw) != b"[":
        return (), ()
    said = turns(read_items(raw))
    return tuple(turn.said() for turn in said), tuple(turn.place for turn in said)


def _conversation_of(raw: Raw) -> str | None:
    named = _conversation.decode(raw).id if head(raw) == b"{" else raw
    return text_of(named) or None


def _own_instructions(body: bytes) -> bytes:
    """As the client wrote them."""
    try:
        buffer, request = parsed(_request, body)
    except Unreadable:
        return bytes(NONE)
    if not given(own := request.instructions):
        return bytes(NONE)
    offset = address(own) - address(buffer)
    return body[offset : offset + memoryview(own).nbytes]
