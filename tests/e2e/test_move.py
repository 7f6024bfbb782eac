"""A service goes on with another store as if nothing had happened: the same recall to the digit, and the same keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from memproxy.testing.service import ServiceProcess
from tests.cli.running import memproxy
from tests.conftest import STORES, new_store

MAY = datetime(2026, 5, 1, 9, tzinfo=UTC)
SAID = (
    "I live in Lisbon with my wife Ana.",
    "We adopted a kitten last week, her name is Miso.",
    "My sister Carla moved to Porto yesterday.",
    "I'm allergic to peanuts, and I love jazz.",
    "The flat has a leaking roof; the landlord promised to mend it in June.",
    "I moved to Coimbra.",
    "昨天我去了医院。",
)
QUESTIONS = (
    "Where do I live?",
    "What pet do we have?",
    "When did Carla move?",
    "roof",
    "What music do I like?",
    "医院",
)
ANN = "/memory/v1/entities/ann"


def serving(folder: Path, store: str) -> ServiceProcess:
    nowhere = "http://127.0.0.1:9/v1"
    return ServiceProcess(folder=folder, upstream=nowhere, store=store, auth="keys", recall_timeout=5)


def key(store: str, folder: Path) -> str:
    return memproxy("keys", "create", "--tenant", "acme", "--store", store, "--data-dir", folder).stdout.strip()


async def live(service: ServiceProcess, http: httpx.AsyncClient, key: str) -> None:
    """Some days of talk, of which something is pinned and something forgotten."""
    for day in range(4):
        told = [
            {"role": ("user", "assistant")[n % 3 == 2], "content": text if n != day else f"Day {day}.",
             "created_at": (MAY + timedelta(days=day, minutes=n)).isoformat()}
            for n, text in enumerate(SAID)
        ]  # fmt: skip
        (await http.post(f"{ANN}/messages", json={"session": f"s{day}", "messages": told})).raise_for_status()
    await service.settled(key=key)
    known = (await http.get(f"{ANN}/facts", params={"kind": "profile"})).json()["items"]
    (await http.patch(f"{ANN}/facts/{known[0]['id']}", json={"pinned": True})).raise_for_status()
    likes = (await http.get(f"{ANN}/facts", params={"q": "jazz", "kind": "preference"})).json()["items"]
    (await http.delete(f"{ANN}/facts/{likes[0]['id']}")).raise_for_status()


async def told(http: httpx.AsyncClient) -> list[Any]:
    """Hits with their scores, blocks, and the lists."""
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/recall", {"query": question, "at": "2026-10-01T00:00:00Z", "kinds": kinds})
        for question in QUESTIONS
        for kinds in (None, ["episode", "profile", "preference"])
    ]
    lists = ("/facts?limit=100&state=all", "/sessions", "/sessions/s1/messages")
    replies = [await http.request(method, ANN + path, json=body) for method, path, body in asked]
    replies += [await http.get(ANN + path) for path in lists]
    return [reply.raise_for_status().json() for reply in replies]


async def test_recall_is_the_same_to_the_digit_in_every_store_that_a_memory_moves_to(
    tmp_path: Path, request: pytest.FixtureRequest
):
    folders = {kind: tmp_path / kind for kind in (*STORES, "home")}
    for folder in folders.values():
        folder.mkdir()
    stores = [new_store(request, kind, folders[kind]) for kind in STORES]
    stores.append(new_store(request, "sqlite", folders["home"]))
    good, revoked = (key(stores[0], tmp_path) for _ in range(2))
    memproxy("keys", "revoke", revoked, "--store", stores[0], "--data-dir", tmp_path)
    before: list[Any] = []
    for store, folder in zip(stores, folders.values(), strict=True):
        async with serving(folder, store) as service, client(service, good) as http:
            if not before:
                await live(service, http, good)
                before = await told(http)
                assert sum(len(reply["hits"]) for reply in before if "hits" in reply) > 20
            assert await told(http) == before
            assert (await http.get(ANN, headers={"Authorization": f"Bearer {revoked}"})).status_code == 401
        if store != stores[-1]:
            following = dict(pairwise(stores))[store]
            moved = memproxy("migrate", "--store", store, "--to", following, "--data-dir", tmp_path)
            assert moved.returncode == 0, moved.stderr


def client(service: ServiceProcess, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=service.url, trust_env=False, timeout=20, headers={"Authorization": f"Bearer {key}"}
    )
