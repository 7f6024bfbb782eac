"""Plants words in the memory of somebody, and of somebody else: run as a process of its own, so that whoever looks for
traces of the words in the service's process does not find those of the test.

    python -m tests.e2e.planting SERVICE_URL UPSTREAM_PORT WORDS…

Of the words, `zq` stands before each for the one who will be erased, and `yq` for the other.
"""

from __future__ import annotations

import asyncio
import sys

import httpx

from memproxy.testing.scripts import answer
from memproxy.testing.upstream import ScriptedUpstream

ERASED, SPARED = "planted-1", "planted-2"
MANY = 60
"""Messages: more vectors than the index of these tests compares one by one."""


def user(text: str, **fields: object) -> dict[str, object]:
    return {"role": "user", "content": text, **fields}


async def plant(http: httpx.AsyncClient, up: ScriptedUpstream, person: str, words: list[str]) -> None:
    name, city, liked, secret, asked, reply = words
    up.script = answer(f"I will remember {reply}.")
    await _chat(http, person, [user(f"I live in {city.title()} and my name is {name.title()}.", name=name.title())])
    told = [user(f"Note {number}: {liked} again, said {name}.", name=name, id=f"m{number}") for number in range(MANY)]
    told.append({"role": "assistant", "content": f"So you like {liked}.", "name": reply})
    base = f"/memory/v1/entities/{person}"
    (await http.post(f"{base}/messages", json={"session": "told", "messages": told})).raise_for_status()
    await _settled(http, person)
    fact = await http.post(f"{base}/facts", json={"text": f"My secret is {secret}", "metadata": {"why": secret}})
    changed = await http.patch(
        f"{base}/facts/{fact.raise_for_status().json()['id']}", json={"text": f"My {secret} is no secret"}
    )
    changed.raise_for_status()
    for question in (f"Is {name} fond of {asked}?", f"Where is {city}?", f"What about {secret}?"):
        (await http.post(f"{base}/recall", json={"query": question})).raise_for_status()
        await _chat(http, person, [user(question)])
    await _settled(http, person)
    for _ in range(8):  # whoever reads for the service may hold what was read last
        (await http.get(f"{base}/sessions/told/messages")).raise_for_status()


async def _chat(http: httpx.AsyncClient, person: str, messages: list[dict[str, object]]) -> None:
    reply = await http.post(f"/e/{person}/v1/chat/completions", json={"model": "m", "messages": messages})
    reply.raise_for_status()


async def _settled(http: httpx.AsyncClient, person: str) -> None:
    async with asyncio.timeout(60):
        while True:
            jobs = await http.get("/memory/v1/jobs", params={"entity": person, "state": "pending"})
            if jobs.raise_for_status().json()["total"] == 0:
                return
            await asyncio.sleep(0.02)


async def main(url: str, port: int, words: list[str]) -> None:
    async with (
        ScriptedUpstream(port=port) as up,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http,
    ):
        for person, mark in ((SPARED, "yq"), (ERASED, "zq")):
            await plant(http, up, person, [mark + word for word in words])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
