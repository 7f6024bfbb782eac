"""Twenty minutes of everything at once over three replicas, in less: chats of four APIs, streamed and not, tools,
answers made again, imports, corrections, erasures, keys that come and go, replicas that are restarted and killed. Then
every message, fact, ledger row and job is accounted for.

MIXED_SECONDS makes it longer, MIXED_STORES names other stores (`all`, or some of them), MIXED_SEED another course.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from memproxy.config import Settings
from memproxy.keyring import Binding, create, revoke
from memproxy.testing.exchange import Request
from memproxy.testing.upstream import ScriptedUpstream
from tests.conftest import STORES, new_store
from tests.replicas.people import MARK, NAMES, TENANTS, WORD, Person, model_of, says
from tests.servers.replicas import Replicas

SECONDS = float(os.environ.get("MIXED_SECONDS", "8"))
NAMED = os.environ.get("MIXED_STORES", "postgresql")
SEED = int(os.environ.get("MIXED_SEED", "20261121"))
KEY_CACHE = 1


@pytest.mark.parametrize("kind", STORES if NAMED == "all" else NAMED.split(","))
async def test_everything_that_was_seen_is_there_once(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    store, count = new_store(request, kind, tmp_path), Counter[str]()
    settings = Settings(store=store, data_dir=tmp_path)
    async with AsyncExitStack() as stack:
        up = await stack.enter_async_context(ScriptedUpstream(script=says()))
        keys = {"auth": "keys", "upstream_key": "sk-of-the-operator", "key_cache": KEY_CACHE}
        more = {"anthropic_upstream_key": "sk-of-the-operator", "gemini_upstream_key": "sk-of-the-operator"}
        patient = {"jobs_lease": 2, "capture_timeout": 30}
        replicas = Replicas(
            folder=tmp_path, store=store, upstream=up.port, count=3, seed=SEED, **keys, **more, **patient
        )
        await stack.enter_async_context(replicas)
        everybody = [
            Person(
                tenant,
                name,
                await stack.enter_async_context(replicas.client(headers=await key(settings, tenant))),
                SEED,
                count,
            )
            for tenant in TENANTS
            for name in NAMES
        ]
        until = asyncio.get_running_loop().time() + SECONDS
        async with asyncio.TaskGroup() as group:
            group.create_task(unrest(replicas, until, count))
            group.create_task(keys_come_and_go(replicas, settings, until, count))
            for person in everybody:
                group.create_task(person.live(until))
        print(kind, dict(sorted(count.items())))
        await account(everybody, up.requests)


async def key(settings: Settings, tenant: str) -> dict[str, str]:
    return {"X-Memproxy-Key": await create(settings, Binding(tenant))}


async def unrest(replicas: Replicas, until: float, count: Counter[str]) -> None:
    """One replica after another is ended, politely or not, and comes back."""
    dice = random.Random(SEED)
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(dice.uniform(0.5, 2))
        victim, number = dice.choice(replicas.all), dice.choice((signal.SIGKILL, signal.SIGTERM))
        await victim.end(number)
        count[number.name] += 1
        await asyncio.sleep(dice.uniform(0, 1))
        await victim.start()


async def keys_come_and_go(replicas: Replicas, settings: Settings, until: float, count: Counter[str]) -> None:
    while asyncio.get_running_loop().time() < until:
        made = await key(settings, TENANTS[0])
        async with replicas.client(headers=made) as http:
            assert {await status(http) for _ in range(9)} == {200}
            await revoke(settings, made["X-Memproxy-Key"])
            await asyncio.sleep(KEY_CACHE)
            assert {await status(http) for _ in range(9)} == {401}
        count["keys"] += 1


async def status(http: httpx.AsyncClient) -> int:
    """Of some replica that lives."""
    while True:
        with suppress(httpx.TransportError):
            if (reply := await http.get("/memory/v1/jobs")).status_code != 503:
                return reply.status_code
        await asyncio.sleep(0.05)


async def account(everybody: list[Person], requests: list[Request]) -> None:
    sent = {model_of(request): request for request in requests}
    for request in requests:
        assert len(set(MARK.findall(request.body.decode()))) == 1, "a prompt holds one person's words"
    for person in everybody:
        await nothing_is_left_to_do(person)
        messages = await every_message_is_where_it_was_said(person)
        await every_fact_has_its_sources(person, messages)
        await every_ledger_row_is_what_the_model_was_given(person, sent)


async def nothing_is_left_to_do(person: Person) -> None:
    async with asyncio.timeout(120):
        while (await jobs(person, "pending"))["total"]:  # noqa: ASYNC110 other processes do it
            await asyncio.sleep(0.1)
    assert (await jobs(person, "dead"))["items"] == []


async def jobs(person: Person, state: str) -> dict[str, Any]:
    query = {"entity": person.name, "state": state}
    return dict((await person.call("GET", "/memory/v1/jobs", params=query)).raise_for_status().json())


async def every_message_is_where_it_was_said(person: Person) -> dict[tuple[str, str], dict[str, Any]]:
    """By session and id. Sessions that no client was told of hold what was tried in vain."""
    held = {
        one["id"]: await person.listed(f"/sessions/{one['id']}/messages") for one in await person.listed("/sessions")
    }
    for session, told in person.sessions.items():
        assert [(said["role"], said["content"]) for said in held.get(session, ())] == told, (person.mark, session)
    for session in held.keys() - person.sessions.keys():
        assert {w for said in held[session] for w in WORD.findall(said["content"])} <= person.tried, (
            person.mark,
            session,
        )
    return {(session, said["id"]): said for session, page in held.items() for said in page}


async def every_fact_has_its_sources(person: Person, messages: dict[tuple[str, str], dict[str, Any]]) -> None:
    facts = await person.listed("/facts", state="all")
    episodes = Counter[tuple[str, str, str]]()
    for fact in facts:
        for source in fact["sources"]:
            assert (source["session_id"], source["message_id"]) in messages, (person.mark, fact)
            if fact["kind"] == "episode":
                episodes[source["session_id"], source["message_id"], fact["text"]] += 1
    assert [one for one, times in episodes.items() if times > 1] == []
    read = {(session, message) for session, message, _ in episodes}
    for place, said in messages.items():
        kept = said["content"] and said["role"] != "tool" and not person.gone & set(WORD.findall(said["content"]))
        assert place in read or not kept, (person.mark, said)


async def every_ledger_row_is_what_the_model_was_given(person: Person, sent: dict[str, Request]) -> None:
    given: dict[str, tuple[str, int]] = {}
    assert len({one.request_id for one in person.seen}) == len(person.seen)
    for one in person.seen:
        block = block_of(sent[one.model], one.text)
        reply = await person.call("GET", f"/memory/v1/receipts/{one.request_id}")
        noted = reply.raise_for_status().json()["block"]
        assert same(block, noted, struck=one.strikes < person.strikes), (person.mark, one, block, noted)
        before, strikes = given.setdefault(one.text, (block, one.strikes))
        assert same(before, block, struck=strikes < one.strikes), (person.mark, one, before, block)


def same(before: str, after: str, *, struck: bool) -> bool:
    """A block stays as it is, less the lines that were struck out meanwhile."""
    return before == after or (struck and set(after.split("\n")) <= set(before.split("\n")))


def block_of(request: Request, text: str) -> str:
    """What stands before the person's words."""
    [told] = [said for said in texts_of(request.json) if said.endswith(text) and not said.startswith("Answer ")]
    return told.removesuffix(text)


def texts_of(body: dict[str, Any]) -> Iterator[str]:
    """Of each message the whole text."""
    for message in body.get("messages") or body.get("input") or body["contents"]:
        content = message.get("content") or message.get("parts") or ""
        yield content if isinstance(content, str) else "".join(part["text"] for part in content)
