"""People who use memory from several apps at once, and remember what they saw: each does one thing after another, asks
again where nobody answered, as clients do, and notes what memory must hold from then on.

Whatever a person says holds the person's own mark, so that whoever sees another's is found out.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from memproxy.testing import anthropic, gemini
from memproxy.testing.exchange import Request, Script
from memproxy.testing.replies import Answer, ToolCall
from memproxy.testing.responses import Responses
from memproxy.testing.scripts import answer_by, first
from tests.e2e.tenancy import APIS, Api

TENANTS, NAMES = ("acme", "globex"), ("ann", "bob", "cleo")
MARK = re.compile(f"zq(?:{'|'.join(TENANTS)})(?:{'|'.join(NAMES)})")
WORD = re.compile(r"tea\d+")
MODEL = re.compile(r"model-\d+")
_numbers = itertools.count(1)
answers: dict[str, str | Answer] = {}
"""What the model of this name says; each exchange has a model of its own, by which it is found again."""


def says() -> Script:
    def said(request: Request) -> str | Answer:
        return answers[model_of(request)]

    return first(
        answer_by(said), anthropic.messages(said), gemini.generate(said), Responses(lambda g: answers[g.body["model"]])
    )


def model_of(request: Request) -> str:
    [model] = set(MODEL.findall(request.target + request.body.decode()))
    return model


@dataclass
class Talk:
    """A conversation as its client holds it."""

    api: Api
    named: str | None
    session: str | None = None
    history: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Seen:
    """An exchange whose reply was seen to its end."""

    request_id: str
    model: str
    text: str
    """The newest thing that the person said in it."""
    strikes: int


class Person:
    def __init__(self, tenant: str, name: str, http: httpx.AsyncClient, seed: int, count: Counter[str]) -> None:
        self.tenant, self.name, self.http, self.count = tenant, name, http, count
        self.mark = f"zq{tenant}{name}"
        self.random = random.Random(f"{seed} {self.mark}")
        self.begin()

    def begin(self) -> None:
        """A new life: nothing is remembered."""
        self.sessions: dict[str, list[tuple[str, str]]] = {}
        """What each must hold."""
        self.tried: set[str] = set()
        """What was said in a request that nobody answered to its end."""
        self.seen: list[Seen] = []
        self.talks: list[Talk] = []
        self.gone: set[str] = set()
        """Words whose statements were forgotten or corrected."""
        self.strikes = 0
        """How often something was forgotten or corrected: blocks lose lines by it."""

    async def live(self, until: float) -> None:
        ways = (self.say, self.say, self.say, self.ask, self.ask, self.regenerate, self.use_a_tool, self.bring)
        rare = (self.correct, self.forget, self.pin, self.add, self.export)
        while asyncio.get_running_loop().time() < until:
            way = self.random.choices((self.random.choice(ways), self.random.choice(rare), self.erase), (40, 12, 1))[0]
            await way()
            self.count[way.__name__] += 1

    # What is asked

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Again until it is answered. Nobody else's words come back, whatever is asked."""
        while True:
            try:
                reply = await self.http.request(method, path, **more)
            except httpx.TransportError as error:
                self.count[type(error).__name__] += 1
                self.tried |= set(WORD.findall(json.dumps(more.get("json"))))
                await asyncio.sleep(0.05)
                continue
            assert (told := set(MARK.findall(reply.text))) <= {self.mark}, f"{self.mark} was told of {told}"
            if reply.status_code != 503:
                return reply
            self.count[f"503 {method} {path.partition('?')[0].rpartition('/')[2]}"] += 1
            await asyncio.sleep(0.1)

    async def memory(self, method: str, path: str, *also: int, **more: Any) -> Any:
        reply = await self.call(method, f"/memory/v1/entities/{self.name}{path}", **more)
        assert reply.is_success or reply.status_code in also, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content and reply.headers["content-type"].endswith("json") else None

    async def listed(self, path: str, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        query["limit"] = 1000
        while True:
            page = await self.memory("GET", path, params=query)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            query["cursor"] = page["next_cursor"]

    def statement(self) -> str:
        return f"I like tea{next(_numbers)} in {self.mark}."

    # Chats

    async def say(self) -> None:
        await self.go_on(self.statement())

    async def ask(self) -> None:
        told = [text for said in self.sessions.values() for role, text in said if role == "user"]
        about = set(WORD.findall(self.random.choice(told))) if told else {"it"}
        await self.go_on(f"What did I say about {about.pop()}? I ask for tea{next(_numbers)} in {self.mark}.")

    async def go_on(self, text: str) -> None:
        if len(self.talks) < 3 or self.random.random() < 0.1:
            named = f"s-{next(_numbers)}" if self.random.random() < 0.5 else None
            self.talks.append(Talk(self.random.choice(APIS), named))
        talk = self.random.choice(self.talks[-3:])
        answer = f"Answer {next(_numbers)} to {text}"
        await self.turn(talk, text, answer)
        self.sessions.setdefault(talk.session or "", []).extend([("user", text), ("assistant", answer)])
        talk.history += [("user", text), ("assistant", answer)]

    async def regenerate(self) -> None:
        again = [talk for talk in self.talks[-3:] if len(talk.history) > 2]
        if not again:
            return
        talk = self.random.choice(again)
        *talk.history, (_, text), _ = talk.history
        answer = f"Answer {next(_numbers)} to {text}"
        await self.turn(talk, text, answer)
        self.sessions[talk.session or ""].append(("assistant", answer))
        talk.history += [("user", text), ("assistant", answer)]

    async def turn(self, talk: Talk, text: str, answer: str) -> None:
        model = f"model-{next(_numbers)}"
        answers[model] = answer
        path, body = talk.api.sends(model, [*talk.history, ("user", text)], stream=self.random.random() < 0.5)
        if talk.api.name == "responses":
            body["store"] = False  # else it might go on from the stored response, and the first block goes elsewhere
        reply = await self.chat(path, body, talk.named)
        session = reply.headers["x-memproxy-session"]
        assert talk.session in (None, session), f"{talk.session} was taken for {session}"
        talk.session = session
        self.note(reply, model, text)

    async def use_a_tool(self) -> None:
        """In a conversation of its own: the model calls, the app answers, the model goes on."""
        session, number = f"s-{next(_numbers)}", next(_numbers)
        text = f"Look up tea{number} in {self.mark}, which I like."
        call = ToolCall(f"call_{number}", "look", "{}")
        messages: list[dict[str, Any]] = [{"role": "user", "content": text}]
        steps = (Answer(tools=(call,)), Answer(f"Answer {number} to {text}"))
        for step in steps:
            model = f"model-{next(_numbers)}"
            answers[model] = step
            reply = await self.chat(APIS[0].path, {"model": model, "messages": messages}, session)
            self.note(reply, model, text)
            messages.append({"role": "assistant", "content": step.text or None, "tool_calls": step.calls})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": f"tea{number} is green"})
        told = [("user", text), ("assistant", ""), ("tool", f"tea{number} is green"), ("assistant", steps[1].text)]
        self.sessions[session] = told

    async def chat(self, path: str, body: dict[str, Any], session: str | None) -> httpx.Response:
        headers = {"X-Memproxy-Session": session} if session else {}
        reply = await self.call("POST", f"/e/{self.name}{path}", json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        self.count[f"memory {reply.headers['x-memproxy-memory']}"] += 1
        return reply

    def note(self, reply: httpx.Response, model: str, text: str) -> None:
        assert reply.headers["x-memproxy-memory"] != "degraded"
        self.seen.append(Seen(reply.headers["x-memproxy-request-id"], model, text, self.strikes))

    # The memory API

    async def bring(self) -> None:
        session = f"told-{next(_numbers)}"
        told = [("user", self.statement()) for _ in range(self.random.randint(1, 4))]
        messages = [{"id": f"m{n}", "role": role, "content": text} for n, (role, text) in enumerate(told)]
        for _ in range(self.random.randint(1, 2)):
            await self.memory("POST", "/messages", json={"session": session, "messages": messages})
        self.sessions[session] = told

    async def add(self) -> None:
        await self.memory("POST", "/facts", json={"text": self.statement()})

    async def fact(self) -> dict[str, Any] | None:
        found = await self.listed("/facts")
        return self.random.choice(found) if found else None

    async def pin(self) -> None:
        if fact := await self.fact():
            pinned = self.random.random() < 0.3
            await self.memory("PATCH", f"/facts/{fact['id']}", 404, json={"pinned": pinned})

    async def correct(self) -> None:
        if fact := await self.fact():
            self.strike(fact)
            await self.memory("PATCH", f"/facts/{fact['id']}", 404, json={"text": self.statement()})
            self.strikes += 1

    async def forget(self) -> None:
        if fact := await self.fact():
            self.strike(fact)
            await self.memory("DELETE", f"/facts/{fact['id']}", 404)
            self.strikes += 1
            assert (await self.call("GET", f"/memory/v1/entities/{self.name}/facts/{fact['id']}")).status_code == 404

    def strike(self, fact: dict[str, Any]) -> None:
        self.strikes += 1
        self.gone |= set(WORD.findall(fact["text"]))

    async def export(self) -> None:
        reply = await self.call("GET", f"/memory/v1/entities/{self.name}/export")
        if reply.status_code != 404:
            rows = [json.loads(line) for line in reply.raise_for_status().text.splitlines()]
            texts = {row["text"] for row in rows if row.get("type") == "message"}
            assert {text for said in self.sessions.values() for _, text in said} <= texts

    async def erase(self) -> None:
        await self.memory("DELETE", "", 404)
        assert await self.listed("/sessions") == []
        assert await self.listed("/facts", state="all") == []
        self.begin()
