"""A state machine in which people of two tenants tell, chat and ask, and a model of what each of them told.

Whoever adds calls to it makes them with `call`, which holds the reply against the model.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from .tenancy import (
    APIS,
    PEOPLE,
    PROVIDER_KEY,
    TENANTS,
    Api,
    Person,
    Secret,
    World,
    nothing_but,
    number,
    secret,
    secrets_in,
)

EVERYBODY = tuple(Person(tenant, name) for tenant in TENANTS for name in PEOPLE)
STATEMENTS = (
    "I live in {word} near {handle}.",
    "I like {word} with {handle}.",
    "My sister {word} works at {handle}.",
    "The code of {handle} is {word}.",
)
QUESTIONS = ("Where do I live?", "What do I like?", "What is my sister called?", "What do you know of me?")
BASE = "/memory/v1"

people = st.sampled_from(EVERYBODY)
templates = st.sampled_from(STATEMENTS)
sessions = st.sampled_from((None, "s1", "s2"))
apis = st.sampled_from(APIS)
bound = st.booleans()
pick = st.integers(0, 10**6)


@dataclass
class Known:
    """What the model knows of one person."""

    told: dict[str, Secret] = field(default_factory=dict)
    remembered: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    outgrown: set[str] = field(default_factory=set)
    """Forgotten once they had been corrected away: see the last test of this file."""
    ids: set[tuple[str, str]] = field(default_factory=set)
    """Session and id of the messages that were told with one."""
    history: list[tuple[str, str]] = field(default_factory=list)
    """The conversation that the person's client holds."""

    def learn(self, *these: Secret) -> None:
        self.told |= {one.word: one for one in these}
        self.remembered |= {one.word for one in these} - self.forgotten

    @property
    def may(self) -> set[str]:
        """What a reply about the person may hold, but for messages, exports and histories."""
        return self.remembered

    @property
    def past(self) -> set[str]:
        return self.remembered | self.outgrown

    @property
    def all(self) -> set[str]:
        return self.past | self.told.keys()


@dataclass(frozen=True)
class Archive:
    data: bytes
    told: dict[str, Secret]


class Talking(RuleBasedStateMachine):
    def __init__(self, running: World, count: Counter[str]) -> None:
        super().__init__()
        self.world, self.count = running, count
        self.known = {person: Known() for person in EVERYBODY}
        self.secrets: list[Secret] = []
        self.archives: list[Archive] = []
        self.requests: list[tuple[Person, str]] = []
        self.brought: set[str] = set()
        """Requests whose receipts stand in an archive that somebody took in, and are that one's too from then on."""

    # What is asked, and what may come back

    def call(
        self, who: Person, method: str, path: str, may: set[str] | None = None, *, narrow: bool = False, **more: Any
    ) -> httpx.Response:
        """A call of the memory API about this person."""
        url = f"{BASE}/entities/{who.name}{path}" if not path.startswith("//") else BASE + path[1:]
        reply = self.world.client(who, bound=narrow).request(method, url, **more)
        assert reply.status_code < 500, reply.text
        if reply.status_code >= 400:
            may = set()
        nothing_but(reply, self.known[who].may if may is None else may)
        return reply

    def listed(self, who: Person, path: str, may: set[str] | None = None, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        while True:
            page = self.call(who, "GET", path, may, params=query).raise_for_status().json()
            items += page["items"]
            if page["next_cursor"] is None:
                assert page["total"] == len(items)
                return items
            query["cursor"] = page["next_cursor"]

    def fact(self, who: Person, at: int) -> dict[str, Any] | None:
        found = self.listed(who, "/facts", state="all")
        return found[at % len(found)] if found else None

    def new(self, template: str) -> Secret:
        self.secrets.append(secret(template))
        return self.secrets[-1]

    def question(self, at: int) -> str:
        """One of those that anybody has, or one for what somebody told, whoever that was."""
        asked = [*QUESTIONS, *(f"What about {one.handle}?" for one in self.secrets)]
        return asked[at % len(asked)]

    # Telling

    @rule(who=people, template=templates, session=sessions, at=st.sampled_from((None, "m1", "m2")), narrow=bound)
    def tell(self, who: Person, template: str, session: str | None, at: str | None, narrow: bool) -> None:
        one, known = self.new(template), self.known[who]
        seen = (session or "", at or "") in known.ids
        if not seen:
            known.learn(one)
        message = {"role": "user", "content": one.text} | ({"id": at} if at else {})
        body = {"messages": [message]} | ({"session": session} if session else {})
        reply = self.call(who, "POST", "/messages", narrow=narrow, json=body)
        assert (reply.status_code, reply.json()["accepted"]) == (202, 0 if seen else 1)
        if at and session:
            known.ids.add((session, at))

    @rule(who=people, at=pick)
    def tell_again(self, who: Person, at: int) -> None:
        known = self.known[who]
        if known.told:
            one = list(known.told.values())[at % len(known.told)]
            known.learn(one)
            body = {"messages": [{"role": "user", "content": one.text}], "session": "s3"}
            assert self.call(who, "POST", "/messages", json=body).json()["accepted"] == 1

    # Chats

    @rule(who=people, template=templates, api=apis, stream=bound, narrow=bound, session=sessions)
    def state(self, who: Person, template: str, api: Api, stream: bool, narrow: bool, session: str | None) -> None:
        one = self.new(template)
        self.chat(who, api, [("user", one.text)], stream=stream, narrow=narrow, session=session)

    @rule(who=people, at=pick, api=apis, stream=bound, narrow=bound, session=sessions, template=templates)
    def ask(
        self, who: Person, at: int, api: Api, stream: bool, narrow: bool, session: str | None, template: str
    ) -> None:
        """The answer tells something new, too."""
        said = [("user", self.question(at))]
        self.chat(who, api, said, stream=stream, narrow=narrow, session=session, answer=self.new(template))

    @rule(who=people, at=pick, api=apis, other=people)
    def go_on(self, who: Person, at: int, api: Api, other: Person) -> None:
        """The client sends the conversation that it holds, or one that begins as somebody else's did."""
        known = self.known[who]
        shared = [("user", "Hello!"), ("assistant", "I see.")]
        history = known.history or shared
        known.history = [*history, ("user", self.question(at))]
        self.chat(who, api, known.history, stream=False, narrow=False, session=None)
        known.history.append(("assistant", "I see."))

    @rule(at=pick, api=apis)
    def everybody_asks_at_once(self, at: int, api: Api) -> None:
        ask = partial(self.chat, api=api, said=[("user", self.question(at))], stream=True, narrow=True, session=None)
        with ThreadPoolExecutor(len(EVERYBODY)) as pool:
            list(pool.map(lambda who: ask(who), EVERYBODY))

    def chat(
        self,
        who: Person,
        api: Api,
        said: list[tuple[str, str]],
        *,
        stream: bool,
        narrow: bool,
        session: str | None,
        answer: Secret | None = None,
    ) -> None:
        model, known = f"model-{number()}", self.known[who]
        self.world.answers[model] = answer.text if answer else "I see."
        sends = secrets_in(*(text for _, text in said))
        known.learn(*(one for one in self.secrets if one.word in sends), *([answer] if answer else []))
        path, body = api.sends(model, said, stream=stream)
        headers = {"X-Memproxy-Session": session} if session else {}
        reply = self.world.client(who, bound=narrow).post(f"/e/{who.name}{path}", json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        assert reply.headers["x-memproxy-memory"] in ("hit", "none")
        nothing_but(reply, {answer.word} if answer else set())
        self.check_prompt(who, model, sends)
        self.requests.append((who, reply.headers["x-memproxy-request-id"]))
        self.count[f"{api.name} {reply.headers['x-memproxy-memory']}"] += 1

    def check_prompt(self, who: Person, model: str, sends: set[str]) -> None:
        [request] = self.world.sent(model)
        head = f"{request.target}\n{request.headers}"
        assert "memproxy" not in head.lower()
        assert "mp_" not in head
        assert PROVIDER_KEY in head
        assert secrets_in(head) == set()
        leaked = secrets_in(request.body) - self.known[who].may - sends
        assert not leaked, f"the prompt of {who} held {leaked}"

    # Reading

    @rule(who=people, at=pick, narrow=bound, budget=st.sampled_from((0, 40, 512, 10_000)))
    def recall(self, who: Person, at: int, narrow: bool, budget: int) -> None:
        body = {"query": self.question(at), "token_budget": budget, "limit": 1000}
        found = self.call(who, "POST", "/recall", narrow=narrow, json=body).raise_for_status().json()
        assert found["tokens"] <= budget
        self.count["recalled"] += bool(secrets_in(found["block"]))

    @rule(who=people, at=pick, state=st.sampled_from(("current", "superseded", "all")), limit=st.integers(1, 5))
    def look_through(self, who: Person, at: int, state: str, limit: int) -> None:
        if self.secrets:
            one = self.secrets[at % len(self.secrets)]
            for wanted in (one.word, one.handle):
                found = self.listed(who, "/facts", q=wanted, state=state, limit=limit)
                assert all(wanted in fact["text"].lower() for fact in found)

    @rule(who=people, at=pick)
    def look_at_one(self, who: Person, at: int) -> None:
        if found := self.fact(who, at):
            assert self.call(who, "GET", f"/facts/{found['id']}").json() == found
            events = self.listed(who, f"/facts/{found['id']}/history", self.known[who].past, limit=1)
            assert events or found["kind"] == "episode"
