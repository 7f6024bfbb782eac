"""A whole service before a store that is about to misbehave, and what a client and an operator see of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from memproxy.testing.scripts import answer_by
from memproxy.testing.service import ServiceProcess

DEADLINE = 20.0
"""Seconds in which a chat must have been answered, whatever happens: two lookups and a commit that time out, three
times over."""
START = 180.0
"""Seconds in which memproxy is up, on a machine that does much else."""
ECHO = answer_by(lambda request: "echo " + request.messages[-1]["content"].rpartition("\n")[2], chunks=3)


def through(url: str, port: int) -> str:
    """The URL with another port."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition(":")[0] + f":{port}").geturl()


def service(folder: Path, upstream: int, store: str, **settings: object) -> ServiceProcess:
    return ServiceProcess(
        folder=folder,
        upstream=f"http://127.0.0.1:{upstream}/v1",
        **{"store": store, "embedder": "none", "recall_timeout": 1, "capture_timeout": 1, "jobs_lease": 2, **settings},
    )


class Talk:
    """One person's conversation: each request carries all of it, and names no session."""

    def __init__(self, service: ServiceProcess, person: str) -> None:
        self._service, self.person = service, person
        self.history: list[dict[str, str]] = []

    async def say(self, words: str, *, stream: bool = False) -> str:
        """What memory did, as the reply's header tells; the reply must come, and be whole, in time."""
        asked = {"role": "user", "content": words}
        body = {"model": "m", "stream": stream, "messages": [*self.history, asked]}
        async with asyncio.timeout(DEADLINE), client(self._service) as http:
            reply = await http.post(f"/e/{self.person}/v1/chat/completions", json=body)
        assert reply.status_code == 200, reply.text
        assert f"echo {words}" in reply.text or stream
        self.history += [asked, {"role": "assistant", "content": f"echo {words}"}]
        return reply.headers["x-memproxy-memory"]

    async def is_whole(self) -> None:
        """All of it is in the store once, in order, and was worked on."""
        await self._service.settled(entity=self.person)
        texts = await stored(self._service, self.person)
        assert [texts.count(one["content"]) for one in self.history] == [1] * len(self.history), texts
        assert texts == [one["content"] for one in self.history]
        short = [text for text in texts if len(text) < 1000]  # a long one becomes several episodes
        assert sorted(text for text in await episodes(self._service, self.person) if text in short) == sorted(short)


def client(service: ServiceProcess) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=60)


async def metrics(service: ServiceProcess) -> dict[str, float]:
    async with client(service) as http:
        lines = (await http.get("/metrics")).raise_for_status().text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


async def ready(service: ServiceProcess) -> tuple[int, dict[str, Any]]:
    async with client(service) as http:
        reply = await http.get("/readyz")
    return reply.status_code, reply.json()


async def recovered(service: ServiceProcess, *, deadline: float = 90.0) -> None:
    """Wait until the store has everything, and turns go straight to it again."""
    async with asyncio.timeout(deadline):
        while True:
            counted = await metrics(service)
            if counted["memproxy_store_up"] == 1 and counted["memproxy_journal_waiting_turns"] == 0:
                return
            await asyncio.sleep(0.1)


async def listed(service: ServiceProcess, path: str, **query: object) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    async with client(service) as http:
        while True:
            page = (await http.get(f"/memory/v1{path}", params={"limit": 100, **query, **cursor})).raise_for_status()
            items += page.json()["items"]
            if (following := page.json().get("next_cursor")) is None:
                return items
            cursor = {"cursor": following}


async def stored(service: ServiceProcess, person: str) -> list[str]:
    """What all sessions of the person hold."""
    sessions = await listed(service, f"/entities/{person}/sessions")
    said = [await listed(service, f"/entities/{person}/sessions/{one['id']}/messages") for one in sessions]
    return [message["content"] for messages in said for message in messages]


async def episodes(service: ServiceProcess, person: str) -> list[str]:
    return [fact["text"] for fact in await listed(service, f"/entities/{person}/facts", kind="episode", state="all")]
