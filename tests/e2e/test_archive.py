"""A memory carried to another service recalls the same there, to the digit; what lacks vectors there gets them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from memproxy.testing.service import ServiceProcess

MAY = datetime(2026, 5, 1, 9, tzinfo=UTC)
LATER = "2026-10-01T00:00:00Z"
SAID = (
    "I live in Lisbon with my wife Ana.",
    "We adopted a kitten last week, her name is Miso.",
    "My sister Carla moved to Porto yesterday.",
    "I'm allergic to peanuts, and I love jazz.",
    "The flat has a leaking roof; the landlord promised to mend it in June.",
    "I moved to Coimbra.",
    "昨天我去了医院。",
    "What should I cook for six people?",
)
QUESTIONS = (
    "Where do I live?",
    "What pet do we have?",
    "When did Carla move?",
    "roof",
    "What music do I like?",
    "医院",
)


@pytest.fixture
async def there(tmp_path: Path, upstream_port: int) -> AsyncIterator[ServiceProcess]:
    async with ServiceProcess(
        folder=tmp_path, upstream=f"http://127.0.0.1:{upstream_port}/v1", recall_timeout=5
    ) as service:
        yield service


async def recalled(http: httpx.AsyncClient, person: str) -> list[object]:
    replies = [
        await http.post(f"/memory/v1/entities/{person}/recall", json={"query": question, "at": LATER, "kinds": kinds})
        for question in QUESTIONS
        for kinds in (None, ["episode", "profile", "preference"])
    ]
    return [reply.raise_for_status().json() for reply in replies]


async def exported(http: httpx.AsyncClient, person: str) -> list[dict[str, Any]]:
    reply = await http.get(f"/memory/v1/entities/{person}/export")
    return [json.loads(line) for line in reply.raise_for_status().text.splitlines()]


@pytest.mark.parametrize("model", [None, "another-model"])
async def test_facts_without_vectors_of_the_model_in_use_get_them_once_they_are_asked_for(
    service: ServiceProcess, http: httpx.AsyncClient, person: str, model: str | None
):
    told = [{"role": "user", "content": text} for text in SAID]
    (await http.post(f"/memory/v1/entities/{person}/messages", json={"messages": told})).raise_for_status()
    await service.settled(entity=person)
    rows = await exported(http, person)
    if not any(row.get("embedding") for row in rows):
        pytest.skip("no model was pulled")
    before = {(row["model"], len(row["embedding"])) for row in rows if row.get("type") == "fact"}
    for row in rows:
        if row.get("type") == "fact":
            row |= {"model": model, "embedding": None if model is None else "AAA="}
    archive = "\n".join(map(json.dumps, rows))
    other = f"{person}-again"
    taken = await http.post(
        f"/memory/v1/entities/{other}/import", content=archive, headers={"Content-Type": "application/x-ndjson"}
    )
    taken.raise_for_status()
    (await http.post(f"/memory/v1/entities/{other}/recall", json={"query": QUESTIONS[0]})).raise_for_status()

    async def after() -> set[tuple[str | None, int]]:
        current = [row for row in await exported(http, other) if row.get("state") == "current"]
        return {(row["model"], len(row["embedding"] or "")) for row in current}

    async with asyncio.timeout(30):  # the question is answered before the work that it asks for is even queued
        while await after() != before:  # noqa: ASYNC110 another process does it
            await asyncio.sleep(0.05)


async def test_recall_elsewhere_is_the_same_to_the_digit(
    service: ServiceProcess, there: ServiceProcess, http: httpx.AsyncClient, person: str
):
    base = f"/memory/v1/entities/{person}"
    for day in range(6):
        told = [
            {"role": ("user", "assistant")[n % 3 == 2], "name": "Bob", "content": text if n != day else f"Day {day}.",
             "created_at": (MAY + timedelta(days=day, minutes=n)).isoformat()}
            for n, text in enumerate(SAID)
        ]  # fmt: skip
        (await http.post(f"{base}/messages", json={"session": f"s{day}", "messages": told})).raise_for_status()
    await service.settled(entity=person)
    known = (await http.get(f"{base}/facts", params={"kind": "profile"})).json()["items"]
    (await http.patch(f"{base}/facts/{known[0]['id']}", json={"pinned": True})).raise_for_status()
    likes = (await http.get(f"{base}/facts", params={"q": "jazz", "kind": "preference"})).json()["items"]
    (await http.delete(f"{base}/facts/{likes[0]['id']}")).raise_for_status()
    here = await recalled(http, person)
    assert sum(len(reply["hits"]) for reply in here) > 30
    archive = (await http.get(f"{base}/export")).raise_for_status().content
    async with httpx.AsyncClient(base_url=there.url, trust_env=False, timeout=20) as other:
        taken = await other.post(
            "/memory/v1/entities/somebody-else/import",
            content=archive,
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert taken.raise_for_status().json()["added"] == len(archive.splitlines()) - 1
        await there.settled()
        assert await recalled(other, "somebody-else") == here
        back = (await other.get("/memory/v1/entities/somebody-else/export")).content
        assert back.splitlines()[1:] == archive.splitlines()[1:]
