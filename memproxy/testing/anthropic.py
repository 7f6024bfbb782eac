"""Anthropic's Messages API as the scripted upstream speaks it: whole, streamed with every event in its place, counted.

ScriptedUpstream(script=anthropic.messages("Hello", thinking="hm", delay=0.01))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from memproxy.testing.exchange import Reply, Request, Script
from memproxy.testing.replies import JSON, Answer, Headers, Pace, ToolCall, chunked, whole

REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
REQUEST_ID = ("request-id", "req_scripted")


@dataclass(frozen=True, slots=True)
class Message:
    """What the model says, as blocks: thinking, text, calls of tools."""

    said: Answer
    model: str = "claude-scripted"
    thinking: str = ""
    cached: int = 0
    """Of the prompt's tokens, those that came from the cache."""
    id: str = "msg_scripted"

    @property
    def content(self) -> list[dict[str, object]]:
        blocks: list[dict[str, object]] = []
        if self.thinking:
            blocks.append({"type": "thinking", "thinking": self.thinking, "signature": "c2lnbmVk"})
        if self.said.text:
            blocks.append({"type": "text", "text": self.said.text})
        return blocks + [_use(call, msgspec.Raw(call.arguments.encode())) for call in self.said.tools]

    @property
    def reason(self) -> str:
        return REASONS.get(self.said.reason, self.said.reason)

    @property
    def usage(self) -> dict[str, object]:
        prompt, said = self.said.usage["prompt_tokens"], self.said.usage["completion_tokens"]
        counts = {"input_tokens": prompt - self.cached, "cache_creation_input_tokens": 0}
        return counts | {"cache_read_input_tokens": self.cached, "output_tokens": said, "service_tier": "standard"}

    def head(self) -> dict[str, object]:
        return {"id": self.id, "type": "message", "role": "assistant", "model": self.model}


def _use(call: ToolCall, arguments: object) -> dict[str, object]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}


def body(message: Message) -> bytes:
    ended = {"stop_reason": message.reason, "stop_sequence": None, "usage": message.usage}
    return msgspec.json.encode(message.head() | {"content": message.content} | ended)


def event(name: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode({"type": name, **fields}))


PING = event("ping")
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"}, request_id="req_scripted")


def events(message: Message) -> tuple[bytes, ...]:
    """Every event in its order: one piece of text a word, a ping after the first block has begun."""
    first = message.usage | {"output_tokens": 1}
    begun = message.head() | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": first}
    found = [event("message_start", message=begun)]
    for index, block in enumerate(message.content):
        found += _block(index, block)
    found.insert(2, PING)
    ended = {"stop_reason": message.reason, "stop_sequence": None}
    last = {"output_tokens": message.usage["output_tokens"]}
    return (*found, event("message_delta", delta=ended, usage=last), event("message_stop"))


def _block(index: int, block: dict[str, object]) -> Iterator[bytes]:
    started, deltas = _pieces(block)
    yield event("content_block_start", index=index, content_block=started)
    for delta in deltas:
        yield event("content_block_delta", index=index, delta=delta)
    yield event("content_block_stop", index=index)


def _pieces(block: dict[str, object]) -> tuple[dict[str, object], list[dict[str, object]]]:
    """A block as it begins, and what is added to it."""
    if block["type"] == "text":
        texts = re.findall(r"\S+\s*|\s+", str(block["text"]))
        return block | {"text": ""}, [{"type": "text_delta", "text": text} for text in texts]
    if block["type"] == "thinking":
        deltas: list[dict[str, object]] = [{"type": "thinking_delta", "thinking": block["thinking"]}]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return block | {"thinking": "", "signature": ""}, deltas
    text = msgspec.json.encode(block["input"]).decode()
    pieces = ["", *(text[at : at + 7] for at in range(0, len(text), 7))]
    return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def error(status: int, kind: str, message: str, *, headers: Headers = ()) -> Reply:
    """An error as Anthropic sends it, `rate_limit_error` say."""
    said = {"type": "error", "error": {"type": kind, "message": message}, "request_id": REQUEST_ID[1]}
    return whole(status, (*JSON, REQUEST_ID, *headers), msgspec.json.encode(said))


def messages(
    said: str | Answer | Callable[[Request], str | Answer] = "Understood.",
    *,
    thinking: str = "",
    cached: int = 0,
    delay: float = 0.0,
    pace: Pace | None = None,
) -> Script:
    """Answers `POST /v1/messages` the way the request asks, and counts tokens: one for four bytes of the body."""
    pace = pace or Pace(delay=delay)

    async def script(request: Request) -> Reply | None:
        if request.method != "POST":
            return None
        if request.path.endswith("/messages/count_tokens"):
            return whole(headers=(*JSON, REQUEST_ID), body=b'{"input_tokens":%d}' % (len(request.body) // 4))
        if not request.path.endswith("/messages"):
            return None
        answer = said(request) if callable(said) else said
        answer = Answer(answer) if isinstance(answer, str) else answer
        message = Message(answer, str(request.json.get("model", "claude-scripted")), thinking, cached)
        if not request.json.get("stream"):
            return whole(headers=(*JSON, REQUEST_ID), body=body(message)).after(pace.first)
        return streamed(events(message), pace)

    return script


def streamed(found: tuple[bytes, ...], pace: Pace) -> Reply:
    kind = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"), REQUEST_ID)
    reply = chunked(found[: pace.upto], headers=kind, delay=pace.delay)
    return Reply((*reply.steps[:-1], *pace.end)).after(pace.first)
