"""What a request asks of the store: one look, which reads the version of the memory by its primary key, and one commit.
The memory itself is asked for only where another replica has changed it, and then for no more than the change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from memproxy import parts
from memproxy.app import Service, service
from memproxy.config import Settings
from memproxy.domain import MemoryWrite, Scope
from memproxy.ports import Store
from memproxy.tasks import Tasks
from memproxy.testing.service import free_port
from memproxy.testing.store_samples import fact
from memproxy.testing.upstream import ScriptedUpstream
from tests.conftest import STORES, new_store

ANN = Scope("default", "ann")


class Counting:
    """A store that notes what is asked of it, with the version since which changes were asked for."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[str | tuple[str, int]] = []

    def __getattr__(self, verb: str) -> Any:
        called = getattr(self.store, verb)

        def noted(*args: Any, **more: Any) -> Any:
            self.asked.append((verb, more["since"]) if "since" in more else verb)
            return called(*args, **more)

        return noted

    async def __aenter__(self) -> Self:
        await self.store.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.store.__aexit__(kind, error, trace)


@pytest.fixture(params=STORES)
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, upstream_port: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Counting]:
    """Of a service whose background work rests."""
    settings = Settings(
        listen=f"127.0.0.1:{free_port()}",
        upstream=f"http://127.0.0.1:{upstream_port}/v1",
        data_dir=tmp_path / "data",
        store=new_store(request, request.param, tmp_path),
        embedder="none",
        recall_timeout=5,
    )
    counting = Counting(parts.make_store(settings))
    monkeypatch.setattr(parts, "make_store", lambda _: counting)
    running: Service
    async with service(settings, Tasks()) as running:
        running.worker.pause()
        await running.start()
        counting.url = f"http://{settings.listen}"
        yield counting
        await running.stop(deadline=1, hurry=asyncio.Event())


async def chat(store: Counting, text: str) -> list[str | tuple[str, int]]:
    """What the request asked of the store; what is asked for every few seconds, whoever talks, is left out."""
    store.asked.clear()
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    async with httpx.AsyncClient(base_url=store.url, timeout=60) as http:
        (await http.post("/e/ann/v1/chat/completions", json=body)).raise_for_status()
    return [one for one in store.asked if one not in ("prune", "check")]


async def test_a_request_for_a_loaded_entity_looks_and_commits(store: Counting, up: ScriptedUpstream) -> None:
    first = await store.store.write(ANN, MemoryWrite((fact(1, text="I live in Lisbon."),)))
    assert await chat(store, "Where do I live?") == ["look", ("changes", 0), "commit"]
    assert await chat(store, "Where do I live, then?") == ["look", "commit"]
    await store.store.write(ANN, MemoryWrite((fact(2, text="I live in Porto."),)))
    assert await chat(store, "Where do I live now?") == ["look", ("changes", first), "commit"]
    assert "Porto" in up.last.prompt
    assert await chat(store, "Where do I live today?") == ["look", "commit"]
