"""Replies of the scripted upstream: exact bytes, and a model's answer rendered as OpenAI renders it.

Chat answers are rendered once per (answer, model, shape) and kept, so that a reply costs almost nothing in a benchmark.
"""

from __future__ import annotations

import http
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import msgspec

from memproxy.testing.exchange import End, Reply, Request, Step

Headers = Sequence[tuple[str, str]]
JSON: Headers = (("content-type", "application/json"),)
SSE: Headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
DONE = b"data: [DONE]\n\n"
LAST_CHUNK = b"0\r\n\r\n"
CREATED = 1_750_000_000
"""A fixed time, so that the same answer has the same bytes."""


def head(status: int, headers: Headers) -> bytes:
    try:
        reason = http.HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode("latin-1")


def whole(status: int = 200, headers: Headers = JSON, body: bytes = b"") -> Reply:
    """A reply with its length; `headers` as given, repeated ones too, nothing added but the length."""
    return Reply((head(status, (*headers, ("content-length", str(len(body))))) + body,))


def chunked(pieces: Sequence[bytes], *, status: int = 200, headers: Headers = SSE, delay: float = 0.0) -> Reply:
    """A reply in chunks with exactly these boundaries, `delay` seconds before each but the first."""
    steps: list[Step] = [head(status, (*headers, ("transfer-encoding", "chunked")))]
    for number, piece in enumerate(pieces):
        if number and delay:
            steps.append(delay)
        steps.append(b"%x\r\n%b\r\n" % (len(piece), piece))
    return Reply((*steps, LAST_CHUNK))


def raw(*steps: Step) -> Reply:
    """Exactly these bytes and pauses, then the end of the connection."""
    return Reply((*steps, End.CLOSE))


def error(status: int, message: str, *, code: str | None = None, headers: Headers = ()) -> Reply:
    """An error object as OpenAI sends it."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return whole(status, (*JSON, *headers), msgspec.json.encode(body))


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: str
    """JSON text, as the API carries it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says, without the model: text, tool calls, and how it ended."""

    text: str = ""
    tools: tuple[ToolCall, ...] = ()
    finish: str | None = None
    """`finish_reason`; None takes what fits the rest."""
    prompt_tokens: int = 17

    @property
    def reason(self) -> str:
        return self.finish or ("tool_calls" if self.tools else "stop")

    @property
    def calls(self) -> list[dict[str, object]]:
        return [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in self.tools
        ]

    @property
    def usage(self) -> dict[str, int]:
        said = len(self.text.split())
        total = self.prompt_tokens + said
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": said, "total_tokens": total}


@lru_cache(maxsize=256)
def completion(said: Answer, model: str, n: int = 1) -> Reply:
    """The answer as one JSON body."""
    message: dict[str, object] = {"role": "assistant", "content": said.text or None, "refusal": None}
    if said.tools:
        message["tool_calls"] = said.calls
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": said.reason} for index in range(n)
    ]
    body = _envelope("chat.completion", model) | {"choices": choices, "usage": said.usage}
    return whole(body=msgspec.json.encode(body))


@lru_cache(maxsize=256)
def events(said: Answer, model: str, n: int = 1, usage: bool = False, chunks: int = 0) -> tuple[bytes, ...]:
    """The answer as server-sent events, `[DONE]` included; `chunks` counts those that carry text, 0: one per word."""
    pieces = _pieces(said.text, chunks)
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": "", "refusal": None}]
    deltas += [{"content": piece} for piece in pieces]
    deltas += [{"tool_calls": [{"index": index, **call}]} for index, call in enumerate(said.calls)]
    found = [_event(model, index, delta, None, usage) for delta in deltas for index in range(n)]
    found += [_event(model, index, {}, said.reason, usage) for index in range(n)]
    if usage:
        found.append(_data(_envelope("chat.completion.chunk", model) | {"choices": [], "usage": said.usage}))
    return (*found, DONE)


def _event(model: str, index: int, delta: dict[str, object], finish: str | None, usage: bool) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    body: dict[str, object] = _envelope("chat.completion.chunk", model) | {"choices": [choice]}
    return _data(body | {"usage": None} if usage else body)


def _data(body: object) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def _envelope(kind: str, model: str) -> dict[str, object]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": CREATED, "model": model}


def _pieces(text: str, chunks: int) -> list[str]:
    words = re.findall(r"\S+\s*|\s+", text)
    if chunks <= 0 or not words:
        return words
    size, rest = divmod(len(words), chunks)
    ends = iter(words)
    sizes = [size + (number < rest) for number in range(chunks)]
    return ["".join(islice(ends, count)) for count in sizes]


@dataclass(frozen=True, slots=True)
class Pace:
    """How a streamed answer goes over the wire."""

    chunks: int = 0
    delay: float = 0.0
    first: float = 0.0
    """Seconds before the first byte of any reply."""
    upto: int | None = None
    """Only this many events are sent, then `end`."""
    end: tuple[Step, ...] = (LAST_CHUNK,)
    """After the events: the last chunk for a clean end, `End.RESET`, `math.inf` …"""


@lru_cache(maxsize=256)
def stream(said: Answer, model: str, n: int, usage: bool, pace: Pace) -> Reply:
    """The answer as a streamed reply."""
    body = chunked(events(said, model, n, usage, pace.chunks)[: pace.upto], delay=pace.delay)
    return Reply((*body.steps[:-1], *pace.end))


def chat(request: Request, said: Answer, pace: Pace) -> Reply:
    """Answer a chat completion the way its request asks: JSON or stream, `n`, usage in the stream or not."""
    body = request.json
    model, n = str(body.get("model", "scripted")), int(body.get("n") or 1)
    if body.get("stream"):
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        reply = stream(said, model, n, usage, pace)
    else:
        reply = completion(said, model, n)
    return reply.after(pace.first) if pace.first else reply
