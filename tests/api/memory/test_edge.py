"""What callers see where the store fails, before a reply has begun and in the middle of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from memproxy.api.memory.calls import Call, Lines
from memproxy.api.memory.table import CALLS
from memproxy.app import Service
from memproxy.config import load
from memproxy.domain import Entity, Kept, Page, Scope
from memproxy.errors import StoreUnavailable
from memproxy.journal import Journal
from memproxy.metrics import Metrics
from memproxy.parts import Parts
from memproxy.tasks import Tasks
from memproxy.testing.memory_index import MemoryIndex
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.service import free_port
from memproxy.tokens import Estimate
from memproxy.upstream import Upstream

JSON = "application/json"
BODIES = {
    "tell": b'{"messages": [{"role": "user", "content": "I sail."}]}',
    "recall": b'{"query": "What do I do?"}',
    "add_fact": b'{"text": "I sail."}',
    "change_fact": b'{"pinned": true}',
    "bring_in": b'{"format": "memproxy-archive", "version": 1, "entity": "ann"}\n'
    b'{"type": "session", "id": "s", "process": null, "messages": 0, "created_at": "2026-01-01T00:00:00Z", '
    b'"last_at": "2026-01-01T00:00:00Z"}\n',
}


class Store(MemoryStore):
    """One whose exports break off after so many pages, whose erasures wait, or that fails in a way nobody foresaw."""

    pages: int | None = None
    gate: asyncio.Event | None = None
    bug: Exception | None = None

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def erase(self, scope: Scope) -> Entity | None:
        if self.gate is not None:
            self.begun.set()
            await self.gate.wait()
        return await super().erase(scope)

    async def export(self, scope: Scope, *, cursor: str | None, limit: int) -> Page[Kept]:
        if self.pages == 0:
            raise StoreUnavailable("gone")
        self.pages = None if self.pages is None else self.pages - 1
        return await super().export(scope, cursor=cursor, limit=limit)

    async def entities(self, tenant: str, *, cursor: str | None, limit: int) -> Page:
        if self.bug is not None:
            raise self.bug
        return await super().entities(tenant, cursor=cursor, limit=limit)


@pytest.fixture
async def store() -> Store:
    return Store()


@pytest.fixture
async def http(store: Store, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a whole service that keeps everything in memory."""
    listen = f"127.0.0.1:{free_port()}"
    settings, _ = load(env={}, flags={"listen": listen, "extractor": "none", "embedder": "none"})
    tasks = Tasks()
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream(bases={}, connect_timeout=1, read_timeout=1, connections=1))
        parts = Parts(
            store=store,
            index=MemoryIndex(),
            embedder=None,
            tokenizer=Estimate(),
            metrics=Metrics(),
            tasks=tasks,
            journal=await stack.enter_async_context(Journal(folder=tmp_path / "journal", limit=10_000)),
        )
        service = Service(settings=settings, parts=parts, upstream=upstream)
        await service.start()
        async with httpx.AsyncClient(base_url=f"http://{listen}/memory/v1", trust_env=False) as client:
            yield client
        store.fault = None
        await service.stop(deadline=1, hurry=asyncio.Event())
        await tasks.stop()


async def ask(http: httpx.AsyncClient, call: Call) -> httpx.Response:
    path = call.path.replace("{entity}", "ann").replace("{id}", "x").replace("{request_id}", "x")
    headers = {"Content-Type": "application/x-ndjson" if call.body is Lines else JSON}
    return await http.request(call.method, path, content=BODIES.get(call.run.__name__), headers=headers)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.run.__name__)
async def test_every_call_says_when_the_store_is_away(http: httpx.AsyncClient, store: Store, call: Call):
    store.fault = StoreUnavailable("the store is locked; try again")
    reply = await ask(http, call)
    assert (reply.status_code, reply.json()["code"]) == (503, "store_unavailable")
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.run.__name__)
async def test_every_call_answers_as_its_row_of_the_table_says(http: httpx.AsyncClient, call: Call):
    foreseen = {call.status} | {error.status for error in call.errors}
    assert (await ask(http, call)).status_code in foreseen


async def test_an_export_that_fails_on_its_way_breaks_off_instead_of_looking_whole(
    http: httpx.AsyncClient, store: Store
):
    messages = [{"role": "user", "content": f"Note {n}. " + "x" * 1000} for n in range(500)]
    await http.post("/entities/ann/messages", json={"messages": messages})
    whole = await http.get("/entities/ann/export")
    assert len(whole.content.splitlines()) > 500
    store.pages = 2
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get("/entities/ann/export")


async def test_an_erasure_goes_on_when_its_caller_has_left(http: httpx.AsyncClient, store: Store):
    await http.post("/entities/ann/messages", json={"messages": [{"role": "user", "content": "I sail."}]})
    store.gate = asyncio.Event()
    erasing = asyncio.ensure_future(http.delete("/entities/ann"))
    await store.begun.wait()
    erasing.cancel()
    for _ in range(3):  # by then the service knows that the caller has left
        assert (await http.get("/entities/ann")).status_code == 200
    store.gate.set()
    async with asyncio.timeout(10):
        while (await http.get("/entities/ann")).status_code != 404:  # noqa: ASYNC110 it is seen over HTTP alone
            await asyncio.sleep(0.01)


async def test_a_bug_is_a_500_that_tells_nothing_but_where_to_look(http: httpx.AsyncClient, store: Store):
    store.bug = ValueError("a secret")
    reply = await http.get("/entities")
    assert (reply.status_code, reply.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in reply.text
    assert reply.json()["request_id"] in reply.json()["detail"]
