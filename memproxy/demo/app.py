"""An app with the official `openai` client whose base URL is memproxy's: it talks, and both ends are noted down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from memproxy.testing.upstream import ScriptedUpstream

Messages = list[dict[str, Any]]

MODEL = "stand-in"

# The same request sent straight to the model, for comparison: the median of so many.
STRAIGHT = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as its two ends saw it. Times in seconds."""

    sent: bytes
    """The body as it left the app."""
    received: bytes
    """The body as it reached the model."""
    answer: str
    plain_answer: str
    """What the model says to the same request without memproxy between."""
    pieces: int
    """In how many pieces the answer was streamed; 0: not streamed."""
    headers: Mapping[str, str]
    first: float
    """Until the first byte of the answer."""
    total: float
    straight_first: float
    straight_total: float
    steps: Mapping[str, float] = field(default_factory=dict)
    """What memory took of it, from /metrics."""

    @property
    def sent_messages(self) -> Messages:
        return _messages(self.sent)

    @property
    def received_messages(self) -> Messages:
        return _messages(self.received)


def _messages(body: bytes) -> Messages:
    found: Messages = msgspec.json.decode(body)["messages"]
    return found


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    pieces: int
    headers: Mapping[str, str]
    first: float
    total: float


class App:
    """One conversation of one app."""

    def __init__(self, *, name: str, service_url: str, model: ScriptedUpstream) -> None:
        self.name = name
        self._model = model
        self._history: Messages = []
        self._sent = b""
        self._api = httpx.AsyncClient(base_url=service_url, trust_env=False)
        mine = {"X-Memproxy-Process": name}
        self._client = AsyncOpenAI(
            base_url=f"{service_url}/v1",
            api_key="no-key",
            http_client=DefaultAsyncHttpxClient(event_hooks={"request": [self._note]}, trust_env=False),
            default_headers=mine,
            max_retries=0,
        )
        self._straight = AsyncOpenAI(
            base_url=model.url,
            api_key="no-key",
            http_client=DefaultAsyncHttpxClient(trust_env=False),
            max_retries=0,
        )

    async def __aenter__(self) -> Self:
        # So that connecting is no part of what is measured.
        await self._client.models.list()
        await self._straight.models.list()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
        await self._straight.close()
        await self._api.aclose()

    async def say(self, text: str, *, stream: bool = False) -> Seen:
        """Say it as the next message of the conversation, and take the answer into the history."""
        self._history.append({"role": "user", "content": text})
        before = await self._counters()
        reply = await self._ask(self._client, stream)
        sent, received = self._sent, self._model.last.body
        after = await self._counters()
        plain = [await self._ask(self._straight, stream) for _ in range(STRAIGHT)]
        self._history.append({"role": "assistant", "content": reply.text})
        return Seen(
            sent=sent,
            received=received,
            answer=reply.text,
            plain_answer=plain[0].text,
            pieces=reply.pieces,
            headers=reply.headers,
            first=reply.first,
            total=reply.total,
            straight_first=median(one.first for one in plain),
            straight_total=median(one.total for one in plain),
            steps={name: after[name] - before[name] for name in after},
        )

    async def last_words(self, text: str) -> int:
        """Say it, streamed, and return the number of pieces as soon as the answer has ended: nothing is measured."""
        self._history.append({"role": "user", "content": text})
        return (await self._ask(self._client, True)).pieces

    async def median(self, questions: Sequence[str], *, memory: str | None) -> float:
        """Median seconds of one request, each a conversation of its own, in this memory mode; None: straight to the
        model."""
        client = self._straight if memory is None else self._client
        headers = {} if memory is None else {"X-Memproxy-Memory": memory}
        took = []
        for question in questions:
            start = perf_counter()
            await client.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": question}], extra_headers=headers
            )
            took.append(perf_counter() - start)
        return median(took)

    async def _note(self, request: Any) -> None:
        # The client brings an HTTP library of its own, whose requests look like httpx's.
        if request.method == "POST":
            self._sent = request.content

    async def _ask(self, client: AsyncOpenAI, stream: bool) -> _Reply:
        return await (self._streamed(client) if stream else self._whole(client))

    async def _whole(self, client: AsyncOpenAI) -> _Reply:
        messages: Any = self._history
        start = perf_counter()
        raw = await client.chat.completions.with_raw_response.create(model=MODEL, messages=messages, stream=False)
        took = perf_counter() - start
        return _Reply(raw.parse().choices[0].message.content or "", 0, raw.headers, took, took)

    async def _streamed(self, client: AsyncOpenAI) -> _Reply:
        messages: Any = self._history
        start, first, pieces = perf_counter(), 0.0, []
        raw = await client.chat.completions.with_raw_response.create(model=MODEL, messages=messages, stream=True)
        async for chunk in raw.parse():
            first = first or perf_counter() - start
            pieces += [choice.delta.content for choice in chunk.choices if choice.delta.content]
        return _Reply("".join(pieces), len(pieces), raw.headers, first, perf_counter() - start)

    async def _counters(self) -> dict[str, float]:
        """What memory has taken so far in seconds, as the proxy itself counts."""
        lines = (await self._api.get("/metrics")).text.splitlines()
        return {
            "recall": _value(lines, 'memproxy_recall_seconds_sum{step="total"}'),
            "commit": _value(lines, "memproxy_commit_seconds_sum"),
        }


def _value(lines: list[str], name: str) -> float:
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)
