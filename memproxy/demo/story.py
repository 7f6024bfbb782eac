"""The story: what is said, when the proxy is killed, and what has to hold at the end."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import httpx

from memproxy.demo.app import App, Seen
from memproxy.demo.screen import Screen
from memproxy.demo.standin import remembered
from memproxy.recall.render import quoted
from memproxy.testing.exchange import text_of
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

ENTITY = "mira"
NOTES, DINNER, CODE = "notes", "dinner", "code"
TOLD = (
    "Hi! I'm Mira. I live in Porto with my dog Bruno.",
    "I'm vegetarian, and I'm allergic to peanuts.",
)
LAST_WORDS = "My sister Ana is visiting me on 12 June."
ASKED = (
    "What should I cook for my sister's visit?",
    "Where could I walk my dog in the city where I live?",
)
NEEDED = (("vegetarian", "peanuts", "Ana"), ("Porto", "Bruno"))
"""What the model has to know to answer each question."""
TYPED = ["profile", "preference", "event", "relationship"]
UNRELATED = "How do I write quicksort in C++?"
# Enough for a median that two runs agree on.
SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Check:
    """A claim, and whether it holds."""

    claim: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Used:
    """A line of a block that the model received, with the score and the reasons that recall gives for the question."""

    line: str
    score: float | None = None
    why: dict[str, float] | None = None


class Story:
    """Plays the acts in order; each is shown as it happens."""

    def __init__(self, *, screen: Screen, service: ServiceProcess, model: ScriptedUpstream) -> None:
        self._screen = screen
        self._service = service
        self._model = model
        self._stack = AsyncExitStack()
        self._asked: list[Seen] = []
        self._told: list[Seen] = []

    async def __aenter__(self) -> Self:
        self._api = await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=self._service.url, trust_env=False, timeout=30)
        )
        self._notes = await self._open_app(NOTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _open_app(self, name: str) -> App:
        return await self._stack.enter_async_context(App(name=name, service_url=self._service.url, model=self._model))

    async def first_conversation(self) -> None:
        """A person mentions a few things to an app that takes notes; the second answer is streamed."""
        self._screen.act(f"Conversation 1, in the app {NOTES!r}")
        for text, stream in zip(TOLD, (False, True), strict=True):
            seen = await self._notes.say(text, stream=stream)
            self._told.append(seen)
            self._screen.request(NOTES, seen, await self._used(text, seen))
        start = perf_counter()
        await self._service.settled(entity=ENTITY)
        self._screen.background(await self._jobs_done(), await self._facts_written(), perf_counter() - start)

    async def crash(self) -> None:
        """The proxy dies the moment the app has seen the end of an answer, before the background has looked at it."""
        self._screen.act("The crash")
        pieces = await self._notes.last_words(LAST_WORDS)
        pid = self._service.pid
        await self._service.kill()
        self._screen.killed(NOTES, LAST_WORDS, pieces, pid)
        start = perf_counter()
        await self._service.start()
        ready = perf_counter() - start
        await self._service.settled(entity=ENTITY)
        self._screen.restarted(self._service.pid, ready, perf_counter() - start)

    async def second_conversation(self) -> None:
        """Another app, which has heard nothing of this, asks things that only the first conversation answers."""
        self._screen.act(f"Conversation 2, new, in the app {DINNER!r}")
        dinner = await self._open_app(DINNER)
        for question in ASKED:
            seen = await dinner.say(question)
            self._asked.append(seen)
            self._screen.request(DINNER, seen, await self._used(question, seen))

    async def something_else(self) -> None:
        """A question that has nothing to do with the person gets nothing about the person."""
        self._screen.act(f"Conversation 3, about something else, in the app {CODE!r}")
        self._unrelated = await (await self._open_app(CODE)).say(UNRELATED)
        self._screen.request(CODE, self._unrelated, await self._used(UNRELATED, self._unrelated))

    async def cost(self) -> None:
        """What memory costs once everything is warm: the first requests above paid for loading."""
        app = await self._open_app("cost")
        questions = [f"{ASKED[0]} There are {number} guests." for number in range(SAMPLES)]
        self._screen.cost(SAMPLES, *[await app.median(questions, memory=mode) for mode in ("recall", "off", None)])

    async def checks(self) -> list[Check]:
        """What was promised, held against what the two ends saw."""
        first, second = self._asked
        everything = (*self._told, *self._asked, self._unrelated)
        return [
            *(self._received(seen, needed) for seen, needed in zip(self._asked, NEEDED, strict=True)),
            await self._kept(),
            Check("the apps never saw a memory block: their history holds only their own words", not _leaked(second)),
            Check("apart from the blocks, the model received what the apps sent", all(map(_untouched, everything))),
            Check("the question about something else went on without a block", not _given(self._unrelated)),
            Check(
                "the second request begins with all of the first, block included: prompt caches stay warm",
                second.received_messages[: len(first.received_messages)] == first.received_messages,
            ),
        ]

    def _received(self, seen: Seen, needed: tuple[str, ...]) -> Check:
        known = "\n".join(_given(seen))
        question = seen.sent_messages[-1]["content"]
        return Check(f"for “{question}” the model received {', '.join(needed)}", all(word in known for word in needed))

    async def _kept(self) -> Check:
        """Every sentence of the first conversation, word for word, from the process that was started after the kill."""
        told = (*TOLD, LAST_WORDS)
        found = [any(text in hit["text"] for hit in await self._recall(text, kinds=["episode"])) for text in told]
        return Check(
            f"nothing was forgotten: {sum(found)} of the {len(told)} things told before the kill are there, word for "
            "word, the one told in the last moment included",
            all(found),
        )

    async def _used(self, question: str, seen: Seen) -> list[Used]:
        """The lines of the newest block, each with what recall says about it when asked the same question. Typed facts
        are asked for apart: beside the words they were read in they would be near-duplicates."""
        hits = [*await self._recall(question), *await self._recall(question, kinds=TYPED)]
        return [_matched(line, hits) for line in remembered(text_of(seen.received_messages[-1]["content"]))]

    async def _recall(self, query: str, **more: object) -> list[dict[str, Any]]:
        reply = await self._api.post(f"/memory/v1/entities/{ENTITY}/recall", json={"query": query, **more})
        hits: list[dict[str, Any]] = reply.raise_for_status().json()["hits"]
        return hits

    async def _jobs_done(self) -> int:
        reply = await self._api.get("/memory/v1/jobs", params={"entity": ENTITY, "state": "done"})
        return int(reply.raise_for_status().json()["total"])

    async def _facts_written(self) -> int:
        lines = (await self._api.get("/metrics")).raise_for_status().text.splitlines()
        counted = (line for line in lines if line.startswith("memproxy_facts_written_total"))
        return int(float(next(counted, "0").rpartition(" ")[2]))


def _matched(line: str, hits: list[dict[str, Any]]) -> Used:
    hit = next((hit for hit in hits if line.endswith(quoted(hit["text"]))), None)
    return Used(line, hit["score"], hit["why"]) if hit else Used(line)


def _given(seen: Seen) -> list[str]:
    """The lines of all memory blocks in the prompt."""
    texts = (text_of(message["content"]) for message in seen.received_messages)
    return [line for text in texts for line in remembered(text)]


def _leaked(seen: Seen) -> bool:
    return b"<memory>" in seen.sent


def _untouched(seen: Seen) -> bool:
    pairs = zip(seen.sent_messages, seen.received_messages, strict=True)
    return all(
        {**sent, "content": ""} == {**received, "content": ""} and received["content"].endswith(sent["content"])
        for sent, received in pairs
    )
