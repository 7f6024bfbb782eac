"""A real service in `keys` mode with two tenants in which people have the same names, and an upstream behind it; every
reply and every prompt is searched for secrets that its reader may not see.

A secret is a word that is made up once and told by one person; a handle beside it is a word that anybody may ask for.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from memproxy.config import Settings
from memproxy.keyring import Binding, create
from memproxy.testing import anthropic, gemini
from memproxy.testing.exchange import Request
from memproxy.testing.responses import Responses
from memproxy.testing.scripts import answer_by, first
from memproxy.testing.service import free_port
from memproxy.testing.upstream import ScriptedUpstream
from tests.servers.replicas import Replicas

TENANTS = ("acme", "globex")
PEOPLE = ("ann", "bob")
PROVIDER_KEY = "sk-of-the-operator"
_SECRET = re.compile(r"zq[a-z]{6}")
_BASE64 = re.compile(r'"((?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)"')
_numbers = itertools.count(1)
_issued: set[str] = set()


@dataclass(frozen=True, order=True)
class Person:
    tenant: str
    name: str


@dataclass(frozen=True)
class Secret:
    """`text` tells `word`, and names the `handle` by which one may ask for it."""

    word: str
    handle: str
    text: str


def number() -> int:
    return next(_numbers)


def secret(template: str) -> Secret:
    """A new one. What is told of it is one sentence, so that forgetting the word forgets the sentence."""
    at, letters = number(), ""
    for _ in range(6):
        at, letter = divmod(at, 26)
        letters = chr(ord("a") + letter) + letters
    word, handle = "zq" + letters, "hq" + letters
    _issued.add(word)
    return Secret(word, handle, template.format(word=word.title(), handle=handle.title()))


def secrets_in(*where: bytes | str) -> set[str]:
    """The secret words, whatever their case, and those inside what is written in base64."""
    found: set[str] = set()
    for one in where:
        text = one if isinstance(one, str) else one.decode(errors="replace")
        inside = [base64.b64decode(match[1]) for match in _BASE64.finditer(text)]
        for part in (text, *(raw.decode(errors="replace") for raw in inside)):
            found |= set(_SECRET.findall(part.lower()))
    return found & _issued  # a vector in base64 looks like anything


def nothing_but(reply: httpx.Response, may: set[str]) -> None:
    """Neither the reply nor its headers hold a secret that is not among these."""
    leaked = secrets_in(reply.content, str(reply.headers)) - may
    assert not leaked, f"{reply.request.method} {reply.request.url} answered {reply.status_code} with {leaked}"


@dataclass
class World:
    """What is running, and a client for each key."""

    upstream: ScriptedUpstream
    clients: dict[tuple[str, str | None], httpx.Client]
    answers: dict[str, str] = field(default_factory=dict)
    """What the model of this name says; each request has a model of its own, by which it is found again."""
    given: int = 0
    """Blocks that were put into prompts, so that a test can tell that there was something to leak."""

    def client(self, person: Person, *, bound: bool) -> httpx.Client:
        return self.clients[person.tenant, person.name if bound else None]

    def sent(self, model: str) -> list[Request]:
        """What went upstream for the request with this model."""
        return [one for one in self.upstream.requests if model in _models(one)]

    def settled(self, tenant: str) -> None:
        """Wait until nothing is pending in the background."""
        with self.lasting() as tries:
            for _ in tries:
                reply = self.clients[tenant, None].get("/memory/v1/jobs", params={"state": "pending", "limit": 1})
                if reply.raise_for_status().json()["total"] == 0:
                    return

    @contextmanager
    def lasting(self, seconds: float = 30) -> Iterator[Iterator[int]]:
        pause = threading.Event()

        def tries() -> Iterator[int]:
            for at in range(int(seconds / 0.02)):
                yield at
                pause.wait(0.02)
            raise TimeoutError("it does not settle")

        yield tries()


def _models(request: Request) -> set[str]:
    return set(re.findall(r"model-\d+", request.target + request.body.decode(errors="replace")))


@contextmanager
def world(folder: Path, *, store: str | None = None, count: int = 1, **settings: object) -> Iterator[World]:
    """Opened once for all examples: what earlier ones left behind must not show either. `count` replicas, of which each
    request meets one."""
    with ExitStack() as stack:
        upstream = stack.enter_context(_listening())
        store = store or f"sqlite:///{folder}/memproxy.db"
        keys = {f"{provider}upstream_key": PROVIDER_KEY for provider in ("", "anthropic_", "gemini_")}
        replicas = Replicas(
            folder=folder, store=store, upstream=upstream.port, count=count, auth="keys", **keys, **settings
        )
        asyncio.run(replicas.start())
        stack.callback(lambda: asyncio.run(replicas.kill()))
        made = World(upstream, {})
        upstream.script = _says(made)
        for tenant in TENANTS:
            for name in (None, *PEOPLE):
                key = asyncio.run(create(Settings(store=store, data_dir=folder), Binding(tenant, name)))
                client = replicas.blocking_client(headers={"X-Memproxy-Key": key})
                made.clients[tenant, name] = stack.enter_context(client)
        yield made


def _says(made: World) -> Any:
    def said(request: Request) -> str:
        [model] = _models(request)
        return made.answers.get(model, "I see.")

    return first(
        answer_by(said),
        anthropic.messages(said),
        gemini.generate(said),
        Responses(lambda given: made.answers.get(given.body["model"], "I see.")),
    )


@contextmanager
def _listening() -> Iterator[ScriptedUpstream]:
    """In a thread of its own, as the test is not asynchronous."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    upstream = ScriptedUpstream(port=free_port())
    asyncio.run_coroutine_threadsafe(upstream.listen(), loop).result()
    try:
        yield upstream
    finally:
        asyncio.run_coroutine_threadsafe(upstream.refuse(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass(frozen=True)
class Api:
    """A way to chat: where it goes, what is sent, what text comes back."""

    name: str
    path: str

    def body(self, model: str, history: list[tuple[str, str]]) -> dict[str, Any]:
        """`history` is who said what; the last one is the person's."""
        if self.name == "gemini":
            roles = {"user": "user", "assistant": "model"}
            return {"contents": [{"role": roles[role], "parts": [{"text": text}]} for role, text in history]}
        turns = [{"role": role, "content": text} for role, text in history]
        if self.name == "responses":
            return {"model": model, "input": turns}
        return {"model": model, "messages": turns} | ({"max_tokens": 9} if self.name == "anthropic" else {})

    def sends(self, model: str, history: list[tuple[str, str]], *, stream: bool) -> tuple[str, dict[str, Any]]:
        body = self.body(model, history)
        if self.name == "gemini":
            return self.path.format(model=model, verb="streamGenerateContent" if stream else "generateContent"), body
        return self.path, body | ({"stream": True} if stream else {})


APIS = (
    Api("chat", "/v1/chat/completions"),
    Api("responses", "/v1/responses"),
    Api("anthropic", "/v1/messages"),
    Api("gemini", "/v1beta/models/{model}:{verb}"),
)


def lines(archive: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.splitlines()]
