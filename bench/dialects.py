"""CPU per request of each API, whole and streamed: memory off and on, beside a bare copy in the same run."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx

from bench.process import Process
from bench.questions import questions
from bench.report import Line, ratio, spread
from bench.stage import Service, Size, reference, rounds, settle
from memproxy.testing import anthropic, gemini
from memproxy.testing.responses import Responses
from memproxy.testing.scripts import answer, first
from memproxy.testing.upstream import ScriptedUpstream

ANSWER = " ".join(["word"] * 48)
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask one API."""

    path: str
    body: Callable[[str], dict[str, Any]]


FORMS = {
    "chat completions": Form("/v1/chat/completions", lambda text: {"model": "m", "messages": [_said(text)]}),
    "chat completions, stream": Form(
        "/v1/chat/completions", lambda text: {"model": "m", "stream": True, "messages": [_said(text)]}
    ),
    "Responses": Form("/v1/responses", lambda text: {"model": "m", "input": text}),
    "Responses, stream": Form("/v1/responses", lambda text: {"model": "m", "stream": True, "input": text}),
    "Messages": Form("/v1/messages", lambda text: {"model": "m", "max_tokens": 99, "messages": [_said(text)]}),
    "Messages, stream": Form(
        "/v1/messages", lambda text: {"model": "m", "max_tokens": 99, "stream": True, "messages": [_said(text)]}
    ),
    "Gemini": Form("/v1beta/models/m:generateContent", lambda text: {"contents": [{"parts": [{"text": text}]}]}),
    "Gemini, stream": Form(
        "/v1beta/models/m:streamGenerateContent?alt=sse", lambda text: {"contents": [{"parts": [{"text": text}]}]}
    ),
}


def _said(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def run(size: Size) -> list[Line]:
    return asyncio.run(_run(size))


async def _run(size: Size) -> list[Line]:
    scripts = (Responses(rule=lambda given: ANSWER), anthropic.messages(ANSWER), gemini.generate(ANSWER))
    costs: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    count = size.of(400, 8)
    async with ScriptedUpstream(script=first(*scripts, answer(ANSWER, chunks=48)), keep=False) as up:
        bare = up.url.removesuffix("/v1")
        with ExitStack() as stack:
            # They ask the upstream whether they are ready, and it lives in this very loop: so from a thread.
            copy = await asyncio.to_thread(stack.enter_context, reference("copy", up.url))
            urls = {"ANTHROPIC_UPSTREAM": bare, "GEMINI_UPSTREAM": bare}
            service = await asyncio.to_thread(stack.enter_context, Service(up.url, settings=urls))
            await asyncio.to_thread(service.seeded, "dialects", size.of(200, 20), seed=1)
            service.pause_jobs()
            asked = questions(7)
            off = {"X-Memproxy-Entity": "dialects", "X-Memproxy-Memory": "off"}
            for _ in rounds(size):
                for name, form in FORMS.items():
                    costs["copy", name].append(await _cost(copy, form, asked, count, {}))
                    costs["off", name].append(await _cost(service.process, form, asked, count, off))
                    on = {"X-Memproxy-Entity": "dialects"}
                    costs["on", name].append(await _cost(service.process, form, asked, count, on))
    lines = []
    for name in FORMS:
        lines += [
            ratio(f"{name}: memory off / copy", costs["off", name], costs["copy", name], aim=1.5),
            spread(f"{name}: CPU with memory", costs["on", name], "ms"),
        ]
    return lines


async def _cost(process: Process, form: Form, asked: Iterator[str], count: int, headers: dict[str, str]) -> float:
    """CPU milliseconds of the proxy per request."""
    base = process.url.removesuffix("/v1")
    async with httpx.AsyncClient(base_url=base, headers={"Authorization": "Bearer sk-bench", **headers}) as http:
        await _ask(http, form, asked, 16)
        settle()
        before = process.cpu()
        await _ask(http, form, asked, count)
        return 1000 * (process.cpu() - before) / count


async def _ask(http: httpx.AsyncClient, form: Form, asked: Iterator[str], count: int) -> None:
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            reply = await http.post(form.path, json=form.body(next(asked)), timeout=60)
            reply.raise_for_status()

    await asyncio.gather(*(worker() for _ in range(min(CONNECTIONS, count))))
