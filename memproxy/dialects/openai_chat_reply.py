"""OpenAI chat completions: the reply, whole or as a stream of chunks, from OpenAI and from the many who imitate it.

What counts is what was said: the text, the refusal, the transcript of what was spoken. Reasoning is not. Vendors leave
fields out, send null for a list or an array for a string, and mix `message` into streams; whatever of a chunk makes
sense is taken.
"""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
from msgspec import Raw, Struct

from memproxy.dialects.attachments import mention
from memproxy.dialects.cut import closed
from memproxy.dialects.dialect import Answer
from memproxy.dialects.events import events
from memproxy.dialects.openai import parts_text
from memproxy.dialects.raw import BROKEN, NONE, given, items_of, legible, mended
from memproxy.domain import Usage


class _Said(Struct):
    """A `message` of a reply, or a `delta` of a stream."""

    content: str | list[Raw] | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None
    function_call: dict[str, Any] | None = None
    audio: Raw = NONE


class _Audio(Struct):
    id: str | None = None
    transcript: str | None = None


class _Choice(Struct):
    index: int | None = 0
    message: _Said | None = None
    delta: _Said | None = None
    finish_reason: str | None = None


class _Usage(Struct):
    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None


class _Reply(Struct):
    choices: list[_Choice] | None = None
    model: str | None = None
    usage: _Usage | None = None
    error: Raw = NONE
    object: str | None = None


class _Loose(Struct):
    """A reply of which something is of a type that nobody expects."""

    choices: Raw = NONE
    usage: Raw = NONE
    error: Raw = NONE


_reply = msgspec.json.Decoder(_Reply)
_loose = msgspec.json.Decoder(_Loose)
_choice = msgspec.json.Decoder(_Choice)
_counts = msgspec.json.Decoder(_Usage)
_audio = msgspec.json.Decoder(_Audio)

_THINKING, _THOUGHT = "<think>", "</think>"


def answer(body: bytes, *, stream: bool) -> Answer | None:
    """What the assistant said."""
    reading = _Reading(stream)
    if stream:
        reading.follow(body)
    elif whole := _decoded(body):
        reading.done = True
        reading.add(whole[0])
    else:
        for rest in _decoded(closed(body)):
            reading.add(rest)
        reading.drop_half_calls()
    return reading.answer()


def aloud(text: str) -> str:
    """The text without the reasoning that some servers leave before it; clients resend it with or without."""
    if not text.lstrip().startswith(_THINKING):
        return text
    return text.partition(_THOUGHT)[2].lstrip()


def calls_of(tool_calls: Any, function_call: Any) -> tuple[str, ...]:
    """The ids of tool calls. The older function call has none: its answer names the function."""
    if isinstance(tool_calls, list) and tool_calls:
        return tuple(str(call["id"]) for call in tool_calls if isinstance(call, dict) and call.get("id"))
    name = function_call.get("name") if isinstance(function_call, dict) else None
    return (name,) if isinstance(name, str) and name else ()


class _Reading:
    """A reply as it is put together."""

    __slots__ = ("_failed", "_model", "_stream", "_usage", "_voices", "done")

    def __init__(self, stream: bool) -> None:
        self._stream = stream
        self._voices: dict[int, _Voice] = {}
        self._usage: _Usage | None = None
        self._model = ""
        self._failed = False
        self.done = False

    def follow(self, body: bytes) -> None:
        for name, data in events(body):
            if data.startswith(b"[DONE]"):
                self.done = True
                continue
            self._failed = self._failed or name == b"error"
            # Several values in one event, each on a line of its own, break the standard and occur.
            for reply in _decoded(data) or [one for line in data.splitlines() for one in _decoded(line)]:
                self.add(reply)

    def add(self, reply: _Reply) -> None:
        self._model = reply.model or self._model
        self._usage = reply.usage or self._usage
        if reply.object == "error" or given(reply.error):
            self._failed = True
        for choice in reply.choices or ():
            index = choice.index or 0
            voice = self._voices.get(index)
            if voice is None:
                voice = self._voices[index] = _Voice()
            if (said := choice.delta if self._stream else choice.message) is not None:
                voice.add(said)
            elif (said := choice.message or choice.delta) is not None:
                voice.add_whole(said)
            if choice.finish_reason:
                voice.finished, voice.failed = True, choice.finish_reason == "error"

    def drop_half_calls(self) -> None:
        """A call that came with half its arguments, or half its id, is no call."""
        for voice in self._voices.values():
            voice.drop_half_call()

    def answer(self) -> Answer | None:
        """Of several choices the first is the one remembered as said; the others are kept beside it."""
        voices = [self._voices[index] for index in sorted(self._voices)]
        if not any(voices):
            return None
        first = voices[0]
        extra = first.extra()
        if any(voices[1:]):
            extra["choices"] = [other.message() for other in voices[1:]]
        return Answer(
            first.text,
            first.calls,
            msgspec.json.encode(extra) if extra else None,
            (self.done or first.finished) and not (self._failed or first.failed),
            _usage(self._usage, self._model),
            resent=first.resent,
        )


class _Voice:
    """One choice: what one of the voices that answer says."""

    __slots__ = ("_audio", "_function", "_refusal", "_text", "_tools", "_transcript", "failed", "finished")

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal = self._transcript = self._audio = ""
        self._function: dict[str, Any] = {}
        self._tools: dict[int, dict[str, Any]] = {}
        self.finished = self.failed = False

    def __bool__(self) -> bool:
        return bool(self._tools or self._function or self.text)

    def add(self, said: _Said) -> None:
        content = said.content
        if content:
            self._text.append(content if isinstance(content, str) else parts_text(content))
        if said.refusal:
            self._refusal += said.refusal
        if said.tool_calls:
            self._call(said.tool_calls)
        if said.function_call:
            _accumulate(self._function, said.function_call)
        if said.audio is not NONE and given(said.audio):
            self._hear(said.audio)

    def add_whole(self, said: _Said) -> None:
        """A whole message in a stream, which some servers send after its chunks."""
        if not self:
            self.add(said)

    def drop_half_call(self) -> None:
        if not self.finished:
            self._function.clear()
            if self._tools:
                self._tools.popitem()

    def _hear(self, raw: Raw) -> None:
        with contextlib.suppress(*BROKEN):
            audio = _audio.decode(raw)
            self._audio = audio.id or self._audio
            self._transcript += audio.transcript or ""

    def _call(self, pieces: list[Any]) -> None:
        for position, piece in enumerate(pieces):
            if isinstance(piece, dict):
                known = self._tools.setdefault(self._place(piece, position), {"id": "", "type": "function"})
                _accumulate(known, {field: value for field, value in piece.items() if field != "index"})

    def _place(self, piece: dict[str, Any], position: int) -> int:
        """A whole message numbers its calls by position, a stream by `index`; where a server gives several calls the
        same one, another id begins another call."""
        index, call_id = piece.get("index"), piece.get("id")
        place = index if isinstance(index, int) else position
        known = self._tools.get(place, {}).get("id")
        if not (known and call_id and known != call_id):
            return place
        return next((at for at, call in self._tools.items() if call["id"] == call_id), max(self._tools) + 1)

    @property
    def _said(self) -> str:
        return aloud("".join(self._text)) if self._text else ""

    @property
    def text(self) -> str:
        return self._said or self._refusal or self._transcript

    @property
    def calls(self) -> tuple[str, ...]:
        return calls_of(list(self._tools.values()), self._function) if self._tools or self._function else ()

    @property
    def resent(self) -> str | None:
        return mention("audio", self._audio) if self._audio and not (self._refusal or self._said) else None

    def extra(self) -> dict[str, Any]:
        """What a legal replay needs beside the text."""
        kept: dict[str, Any] = {}
        if self._tools:
            kept["tool_calls"] = list(self._tools.values())
        if self._function:
            kept["function_call"] = self._function
        if self._refusal:
            kept["refusal"] = self._refusal
        if self._audio:
            kept["audio"] = {"id": self._audio}
        return kept

    def message(self) -> dict[str, Any]:
        return {"role": "assistant", "content": self.text, **self.extra()}


_WHOLE = frozenset(("id", "type", "name"))
"""Fields that do not come in pieces; some servers repeat them with each."""


def _accumulate(known: dict[str, Any], piece: dict[str, Any]) -> None:
    """Text comes in pieces: of the arguments of a function, of the input of a custom tool."""
    for field, value in piece.items():
        before = known.get(field)
        if isinstance(before, dict) and isinstance(value, dict):
            _accumulate(before, value)
        elif isinstance(before, str) and isinstance(value, str) and field not in _WHOLE:
            known[field] = before + value
        elif value or before is None:
            known[field] = value


def _usage(usage: _Usage | None, model: str) -> Usage | None:
    return Usage(model, int(usage.prompt_tokens or 0), int(usage.completion_tokens or 0)) if usage else None


def _decoded(body: bytes) -> list[_Reply]:
    try:
        return [_reply.decode(body)]
    except BROKEN:
        pass
    readable = legible(mended(body))
    for decode in (_reply.decode, _whatever):
        with contextlib.suppress(*BROKEN):
            return [decode(readable)]
    return []


def _whatever(body: bytes) -> _Reply:
    """Whatever of a reply makes sense."""
    loose = _loose.decode(body)
    usage = None
    with contextlib.suppress(*BROKEN):
        usage = _counts.decode(loose.usage)
    choices = []
    for raw in items_of(loose.choices):
        with contextlib.suppress(*BROKEN):
            choices.append(_choice.decode(raw))
    return _Reply(choices, usage=usage, error=loose.error)
