"""What a provider finds in its prompt cache: long agent conversations, without memory, with memproxy, and with a proxy
that inserts a fresh block into the newest or the first message each time.

A cache is counted as the providers describe it. OpenAI: the longest prefix that an earlier request of the conversation
had. Anthropic: up to the last `cache_control` whose prefix an earlier request wrote at one of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from bench.questions import questions
from bench.report import Line
from bench.stage import Service, Size
from memproxy.testing import anthropic
from memproxy.testing.exchange import Request, Script
from memproxy.testing.replies import Answer, ToolCall
from memproxy.testing.scripts import answer_by
from memproxy.testing.upstream import ScriptedUpstream

Body = dict[str, Any]
TOOL_OUTPUT = " ".join(f"line {number}: all tests of the module pass" for number in range(40))
SYSTEM = "You are an agent that works with tools. " * 40
LOOKBACK = 20
"""Blocks before a breakpoint in which Anthropic looks for something cached."""


@dataclass(slots=True)
class Seen:
    """Prompt bytes of one conversation, and those of them that the cache would have had."""

    total: int = 0
    cached: int = 0
    blocks: int = 0
    """Bytes that memory added."""
    prefixes: list[bytes] = field(default_factory=list)
    written: set[bytes] = field(default_factory=set)

    @property
    def share(self) -> float:
        return 100 * self.cached / self.total

    @property
    def fresh(self) -> int:
        return self.total - self.cached


def openai_counts(seen: Seen, body: Body) -> None:
    prompt = b"".join(_flat(message) for message in [body.get("tools"), *body["messages"]])
    seen.total += len(prompt)
    seen.cached += max((_common(prompt, earlier) for earlier in seen.prefixes), default=0)
    seen.prefixes = [*seen.prefixes[-3:], prompt]


def anthropic_counts(seen: Seen, body: Body) -> None:
    prompt, ends, marks = b"", [], []
    for block in _blocks(body):
        prompt += _flat({name: value for name, value in block.items() if name != "cache_control"})
        ends.append(len(prompt))
        if "cache_control" in block:
            marks.append(len(ends) - 1)
    found = [
        ends[at]
        for mark in marks
        for at in range(mark, max(-1, mark - LOOKBACK), -1)
        if prompt[: ends[at]] in seen.written
    ]
    seen.total += len(prompt)
    seen.cached += max(found, default=0)
    seen.written.update(prompt[: ends[mark]] for mark in marks)


def _blocks(body: Body) -> Iterator[Body]:
    yield from body.get("tools", ())
    yield from body.get("system", ())
    for message in body["messages"]:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        yield from ({"role": message["role"], **part} for part in parts)


def _flat(value: object) -> bytes:
    return json.dumps(value).encode()


def _common(one: bytes, other: bytes) -> int:
    size = min(len(one), len(other))
    if one[:size] == other[:size]:
        return size
    low = 0
    while size - low > 1:
        middle = (low + size) // 2
        low, size = (middle, size) if one[:middle] == other[:middle] else (low, middle)
    return low


def newest(body: Body, block: str) -> Body:
    """A fresh block in the newest message of the person, and nowhere else."""
    return _inserted(body, block, reversed(range(len(body["messages"]))))


def oldest(body: Body, block: str) -> Body:
    """A fresh block in the first message of the person."""
    return _inserted(body, block, range(len(body["messages"])))


def _inserted(body: Body, block: str, places: Iterator[int] | range) -> Body:
    messages = list(body["messages"])
    for place in places:
        content = messages[place]["content"]
        texts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if messages[place]["role"] == "user" and all(part["type"] == "text" for part in texts):
            messages[place] = messages[place] | {"content": [{"type": "text", "text": block}, *texts]}
            break
    return body | {"messages": messages}


@dataclass(frozen=True, slots=True)
class Api:
    """One provider's conversation: how requests look, and how its cache counts."""

    name: str
    path: str
    script: Script
    counts: Callable[[Seen, Body], None]
    request: Callable[[Sequence[Body]], Body]
    reply: Callable[[Body], Body]
    """The assistant's message in a reply, as it is resent."""
    results: Callable[[Body, int], list[Body]]
    """The messages that answer its tool calls; none where it called none."""


def _plan(calls: int, is_result: Callable[[Body], bool]) -> Callable[[Request], Answer]:
    """The model calls a tool `calls` times after each message of the person, then says that it is done."""
    numbers = count()

    def rule(request: Request) -> Answer:
        tail = 0
        for message in reversed(request.json["messages"]):
            if is_result(message):
                tail += 1
            elif message["role"] == "user":
                break
        if tail < calls:
            return Answer("", tools=(ToolCall(f"call_{next(numbers)}", "run", '{"command":"make test"}'),))
        return Answer("Done, as you asked.")

    return rule


def _chat(calls: int) -> Api:
    tools = [{"type": "function", "function": {"name": "run", "parameters": {"type": "object"}}}]
    return Api(
        "OpenAI, automatic prefixes",
        "/v1/chat/completions",
        answer_by(_plan(calls, lambda message: message["role"] == "tool")),
        openai_counts,
        lambda messages: {"model": "m", "tools": tools, "messages": [{"role": "system", "content": SYSTEM}, *messages]},
        lambda reply: reply["choices"][0]["message"],
        lambda said, turn: [
            {"role": "tool", "tool_call_id": call["id"], "content": f"{turn} {TOOL_OUTPUT}"}
            for call in said.get("tool_calls") or ()
        ],
    )


def _messages(calls: int) -> Api:
    rule = _plan(calls, lambda m: isinstance(m["content"], list) and m["content"][0]["type"] == "tool_result")
    return Api(
        "Anthropic, breakpoints",
        "/v1/messages",
        anthropic.messages(rule),
        anthropic_counts,
        _with_breakpoints,
        lambda reply: {"role": "assistant", "content": reply["content"]},
        lambda said, turn: [
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": f"{turn} {TOOL_OUTPUT}"}],
            }
            for call in said["content"]
            if call["type"] == "tool_use"
        ],
    )


def _with_breakpoints(messages: Sequence[Body]) -> Body:
    """As coding agents set them: after the system text, and on the last block of the user's newest two messages."""
    mark = {"cache_control": {"type": "ephemeral"}}
    said = [dict(message) for message in messages]
    for message in [one for one in said if one["role"] == "user"][-2:]:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        message["content"] = [*parts[:-1], parts[-1] | mark]
    tools = [{"name": "run", "input_schema": {"type": "object"}}]
    system = [{"type": "text", "text": SYSTEM} | mark]
    return {"model": "m", "max_tokens": 100, "tools": tools, "system": system, "messages": said}


def run(size: Size) -> list[Line]:
    turns, calls = size.of(6, 2), size.of(30, 3)
    return asyncio.run(_run(size, turns, calls))


async def _run(size: Size, turns: int, calls: int) -> list[Line]:
    lines: list[Line] = []
    for number, api in enumerate((_chat(calls), _messages(calls))):
        async with ScriptedUpstream(script=api.script) as up:
            base = up.url.removesuffix("/v1")
            with Service(up.url, settings={"ANTHROPIC_UPSTREAM": base}) as service:
                person = service.seeded("agent", size.of(200, 20), seed=1)
                lines += await _replay(api, up, service, person, turns, seed=number)
    return lines


async def _replay(
    api: Api, up: ScriptedUpstream, service: Service, person: str, turns: int, *, seed: int
) -> list[Line]:
    """The same conversation four times; what the upstream received is counted."""
    seen = {name: Seen() for name in ("no memory", "memproxy", "fresh, newest message", "fresh, first message")}
    name, _, value = person.partition(": ")
    asked = questions(seed)
    history: list[Body] = []
    async with httpx.AsyncClient(base_url=service.process.url, headers={name: value}, timeout=60) as http:
        for turn in range(turns):
            history.append({"role": "user", "content": next(asked)})
            while True:
                sent = api.request(history)
                reply = await http.post(api.path, json=sent)
                received = up.last.json
                block = _added(sent, received)
                api.counts(seen["no memory"], sent)
                api.counts(seen["memproxy"], received)
                seen["memproxy"].blocks += len(_flat(received)) - len(_flat(sent))
                # A proxy of that kind recalls with each request: another block each time, of the same size.
                other = f"<memory>{turn} {len(history)} {block[20:]}</memory>"
                api.counts(seen["fresh, newest message"], newest(sent, other))
                api.counts(seen["fresh, first message"], oldest(sent, other))
                said = api.reply(reply.json())
                history.append(said)
                results = api.results(said, turn)
                if not results:
                    break
                history += results
    bare, ours = seen["no memory"], seen["memproxy"]
    lines = [Line(f"{api.name}: bytes in the cache, {kind}", one.share, "%") for kind, one in seen.items()]
    extra = (ours.fresh - bare.fresh) / max(1, ours.blocks)
    return [*lines, Line(f"{api.name}: bytes missed beyond no memory, per byte of blocks", extra, "", aim=1.0)]


def _added(sent: Body, received: Body) -> str:
    """Text of the size of what memory put in."""
    return "m" * max(200, (len(_flat(received)) - len(_flat(sent))) // max(1, len(sent["messages"])))
