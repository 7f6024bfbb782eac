"""Gemini's API as the scripted upstream speaks it: whole, as server-sent events, as a JSON array in pieces, counted.

ScriptedUpstream(script=gemini.generate("Hello", thought="hm", delay=0.01))
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from memproxy.testing.exchange import Reply, Request, Script
from memproxy.testing.replies import JSON, SSE, Answer, Pace, chunked, whole

KIND: tuple[tuple[str, str], ...] = (("content-type", "application/json; charset=UTF-8"),)
REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}
STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
          429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Content:
    """What the model says, as parts: a thought, text, calls of functions."""

    said: Answer
    model: str = "gemini-scripted"
    thought: str = ""
    candidates: int = 1

    @property
    def parts(self) -> list[dict[str, object]]:
        parts: list[dict[str, object]] = [{"text": self.thought, "thought": True}] if self.thought else []
        parts += [{"text": text} for text in re.findall(r"\S+\s*|\s+", self.said.text)]
        calls = [
            {"id": call.id, "name": call.name, "args": msgspec.Raw(call.arguments.encode())} for call in self.said.tools
        ]
        return parts + [{"functionCall": call, "thoughtSignature": "c2lnbmVk"} for call in calls]

    def reply(self, parts: list[dict[str, object]], *, last: bool) -> bytes:
        said = {"content": {"parts": parts, "role": "model"}}
        ended = {"finishReason": REASONS.get(self.said.reason, self.said.reason)} if last else {}
        found = [said | ended | {"index": index, "safetyRatings": []} for index in range(self.candidates)]
        rest = {"usageMetadata": self.usage, "modelVersion": self.model, "responseId": "scripted"}
        return msgspec.json.encode({"candidates": found} | rest)

    @property
    def usage(self) -> dict[str, object]:
        prompt, said = self.said.usage["prompt_tokens"], self.said.usage["completion_tokens"]
        thoughts = len(self.thought.split())
        counts = {"promptTokenCount": prompt, "candidatesTokenCount": said, "thoughtsTokenCount": thoughts}
        return {**counts, "totalTokenCount": prompt + said + thoughts}


def body(content: Content) -> bytes:
    return content.reply(content.parts, last=True)


def pieces(content: Content) -> list[bytes]:
    """One reply a part; the last one ends the answer."""
    parts = content.parts
    return [content.reply([part], last=at == len(parts) - 1) for at, part in enumerate(parts)] or [body(content)]


def events(content: Content) -> tuple[bytes, ...]:
    """As `alt=sse` has them, with the line ends that Google sends."""
    return tuple(b"data: " + piece + b"\r\n\r\n" for piece in pieces(content))


def array(content: Content) -> tuple[bytes, ...]:
    """As they come without `alt=sse`, spread over lines."""
    found = [msgspec.json.format(piece, indent=2) for piece in pieces(content)]
    return (b"[" + found[0], *(b"\n,\n" + piece for piece in found[1:]), b"\n]\n")


def failure(status: int, message: str) -> bytes:
    said = {"code": status, "message": message, "status": STATUS.get(status, "UNKNOWN")}
    return msgspec.json.format(msgspec.json.encode({"error": said}), indent=2)


def error(status: int, message: str) -> Reply:
    return whole(status, KIND, failure(status, message))


def blocked(reason: str = "SAFETY") -> bytes:
    """What comes instead of candidates where the prompt was stopped by a filter."""
    return msgspec.json.encode({"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 4}})


def asked(request: Request) -> str:
    """Text of the last content of the person, its parts joined by line ends."""
    said = [content for content in request.json.get("contents", ()) if content.get("role", "user") == "user"]
    return "\n".join(part["text"] for part in said[-1]["parts"] if "text" in part) if said else ""


def generate(
    said: str | Answer | Callable[[Request], str | Answer] = "Understood.",
    *,
    thought: str = "",
    delay: float = 0.0,
    pace: Pace | None = None,
) -> Script:
    """Answers `…:generateContent` and `…:streamGenerateContent`, and counts tokens: one for four bytes of the body."""
    pace = pace or Pace(delay=delay)

    async def script(request: Request) -> Reply | None:
        model, _, verb = request.path.rpartition("/")[2].partition(":")
        if request.method != "POST" or verb not in ("generateContent", "streamGenerateContent", "countTokens"):
            return None
        if verb == "countTokens":
            return whole(headers=KIND, body=b'{"totalTokens":%d}' % (len(request.body) // 4))
        answer = said(request) if callable(said) else said
        content = Content(Answer(answer) if isinstance(answer, str) else answer, model, thought)
        if verb == "generateContent":
            return whole(headers=KIND, body=body(content)).after(pace.first)
        return streamed(content, pace, sse="alt=sse" in request.target)

    return script


def streamed(content: Content, pace: Pace, *, sse: bool) -> Reply:
    found = events(content) if sse else array(content)
    reply = chunked(found[: pace.upto], headers=SSE if sse else JSON, delay=pace.delay)
    return Reply((*reply.steps[:-1], *pace.end)).after(pace.first)
