"""Anthropic's Messages, the reply side: one JSON message, or the events that build it up block by block.

    message_start  content_block_start  content_block_delta …  content_block_stop …  message_delta  message_stop

`ping` and `error` may stand anywhere, and kinds of events, blocks and deltas that nobody knows yet are passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.anthropic_messages_blocks import THINKING, Block, answered, is_object, replayed
from memproxy.dialects.cut import closed
from memproxy.dialects.dialect import Answer, Unreadable
from memproxy.dialects.events import events
from memproxy.dialects.raw import parsed, text_of
from memproxy.dialects.spoken import spoken
from memproxy.domain import Usage

T = TypeVar("T")

# The provider itself says that this is not all: the turn was paused and goes on, or was stopped by a filter.
UNFINISHED = ("pause_turn", "refusal")
# As Anthropic makes them. Imitations may give every answer the same id, under which only the first would be kept.
_ID = re.compile(r"msg_\w{20,}", re.ASCII)


class _Usage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Message(Struct):
    type: str = ""
    id: str | None = None
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Delta(Struct):
    text: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Event(Struct):
    type: str = ""
    index: int | None = 0
    message: _Message | None = None
    content_block: Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None


_message = msgspec.json.Decoder(_Message)
_event = msgspec.json.Decoder(_Event)


@dataclass(slots=True)
class _Piece:
    """A block of a stream as far as it came."""

    block: Block
    pieces: list[str] = field(default_factory=list)
    json: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return text_of(self.block.type)

    @property
    def text(self) -> str | None:
        return "".join(self.pieces) if self.kind == "text" else None

    def call(self) -> Block | None:
        """The call of a tool, where it came whole."""
        if self.kind != "tool_use":
            return None
        if self.json:
            self.block.input = Raw("".join(self.json).encode("utf-8", "replace"))
        return self.block if is_object(self.block.input) else None


@dataclass(slots=True)
class _Collected:
    message: _Message = field(default_factory=_Message)
    pieces: dict[int | None, _Piece] = field(default_factory=dict)
    failed: bool = False

    def take(self, event: _Event) -> None:
        match event.type:
            case "message_start" if event.message is not None:
                self.message = event.message
            case "content_block_start" if event.content_block is not None:
                self.pieces[event.index] = _Piece(event.content_block, [text_of(event.content_block.text)])
            case "content_block_delta" if event.delta is not None and (piece := self.pieces.get(event.index)):
                piece.pieces.append(event.delta.text or "")
                piece.json += filter(None, [event.delta.partial_json])
            case "message_delta":
                self.message.stop_reason = (event.delta and event.delta.stop_reason) or self.message.stop_reason
                self.message.usage = _latest(self.message.usage, event.usage)
            case "error":
                self.failed = True


def whole_answer(body: bytes) -> Answer | None:
    message = _read(_message, body)
    cut = message is None
    if message is None and (message := _read(_message, closed(body))) is None:
        return None
    if message.type == "error":
        return None
    content = message.content or []
    # Of a message that broke off, the last call may lack half of what it was to do.
    calls = [] if cut else [piece.call() for piece in map(_Piece, content)]
    return _answer(message, answered(content), calls, complete=not cut)


def streamed_answer(body: bytes) -> Answer | None:
    collected = _Collected()
    for name, data in events(body):
        event = _read(_event, data)
        if event is not None:
            collected.take(event)
        elif name == b"error":
            collected.failed = True
    pieces = list(collected.pieces.values())
    text = spoken(piece.text for piece in pieces if piece.kind not in THINKING)
    finished = collected.message.stop_reason is not None and not collected.failed
    return _answer(collected.message, text, [piece.call() for piece in pieces], complete=finished)


def _answer(message: _Message, text: str, found: list[Block | None], *, complete: bool) -> Answer | None:
    calls = [call for call in found if call is not None]
    if not text and not calls:
        return None
    return Answer(
        text,
        tuple(text_of(call.id) for call in calls),
        replayed("tool_use", calls),
        complete and message.stop_reason not in UNFINISHED,
        _used(message),
        id=message.id if message.id and _ID.fullmatch(message.id) else None,
    )


def _used(message: _Message) -> Usage | None:
    """What was read from the cache or written to it was part of the prompt."""
    if (usage := message.usage) is None:
        return None
    prompt = (usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens)
    return Usage(message.model or "", sum(count or 0 for count in prompt), usage.output_tokens or 0)


def _latest(before: _Usage | None, now: _Usage | None) -> _Usage | None:
    """Counts of a stream are cumulative, and those that did not change may be left out."""
    if before is None or now is None:
        return now or before
    for name in _Usage.__struct_fields__:
        if (count := getattr(now, name)) is not None:
            setattr(before, name, count)
    return before


def _read(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    try:
        return parsed(decoder, data)[1]
    except Unreadable:
        return None
