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
from memproxy.dialects.openai_chat_calls import Calls, calls_of
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
            if not voice.finished:
                voice.calls.drop_last()

    def answer(self) -> Answer | None:
        """Of several choices the first is the one remembered as said; the others are kept beside it."""
        voices = [self._voices[index] for index in sorted(self._voices)]
        if not any(voices):
            return None
        first = voices[0]
        text, extra = first.text, first.extra()
        calls = calls_of(extra.get("tool_calls"), extra.get("function_call")) if first.calls else ()
        if any(voices[1:]):
            extra["choices"] = [other.message() for other in voices[1:]]
        return Answer(
            text,
            calls,
            msgspec.json.encode(extra) if extra else None,
            (self.done or first.finished) and not (self._failed or first.failed),
            _usage(self._usage, self._model),
            resent=first.resent(text),
        )


class _Voice:
    """One choice: what one of the voices that answer says."""

    __slots__ = ("_audio", "_refusal", "_text", "_transcript", "calls", "failed", "finished")

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._transcript: list[str] = []
        self._audio = ""
        self.calls = Calls()
        self.finished = self.failed = False

    def __bool__(self) -> bool:
        return bool(self.calls or self.text)

    def add(self, said: _Said) -> None:
        content = said.content
        if content:
            self._text.append(content if isinstance(content, str) else parts_text(content))
        if said.refusal:
            self._refusal.append(said.refusal)
        if said.tool_calls:
            self.calls.add(said.tool_calls)
        if said.function_call:
            self.calls.add_function(said.function_call)
        if said.audio is not NONE and given(said.audio):
            self._hear(said.audio)

    def add_whole(self, said: _Said) -> None:
        """A whole message in a stream, which some servers send after its chunks."""
        if not self:
            self.add(said)

    def _hear(self, raw: Raw) -> None:
        with contextlib.suppress(*BROKEN):
            audio = _audio.decode(raw)
            self._audio = audio.id or self._audio
            self._transcript.append(audio.transcript or "")

    @property
    def text(self) -> str:
        said = aloud("".join(self._text)) if self._text else ""
        return said or "".join(self._refusal) or "".join(self._transcript)

    def extra(self) -> dict[str, Any]:
        """What a legal replay needs beside the text."""
        kept = self.calls.fields()
        if self._refusal:
            kept["refusal"] = "".join(self._refusal)
        if self._audio:
            kept["audio"] = {"id": self._audio}
        return kept

    def resent(self, text: str) -> str | None:
        """What was spoken comes back as an id."""
        return mention("audio", self._audio) if self._audio and text == "".join(self._transcript) else None

    def message(self) -> dict[str, Any]:
        return {"role": "assistant", "content": self.text, **self.extra()}


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
