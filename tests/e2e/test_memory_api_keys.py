"""Keys on the memory API: a tenant, an entity, a process; whoever may not see something cannot tell it from nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from memproxy.config import load
from memproxy.keyring import Binding, create
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .asking import add, facts, problem, recall, said, tell

Client = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream_port: int) -> Iterator[ServiceProcess]:
    service = ServiceProcess(
        folder=tmp_path_factory.mktemp("gateway"), upstream=f"http://127.0.0.1:{upstream_port}/v1", auth="keys"
    )
    asyncio.run(service.start())
    yield service
    asyncio.run(service.kill())


@pytest.fixture
async def client(gateway: ServiceProcess) -> AsyncIterator[Client]:
    """Clients with keys of their own."""
    settings, _ = load(env={}, flags={"data_dir": gateway.folder / "data"})
    async with AsyncExitStack() as stack:

        async def with_key(tenant: str, **binding: str) -> httpx.AsyncClient:
            key = await create(settings, Binding(tenant, **binding))
            headers = {"Authorization": f"Bearer {key}"}
            return await stack.enter_async_context(
                httpx.AsyncClient(base_url=gateway.url, trust_env=False, headers=headers, timeout=20)
            )

        yield with_key


async def test_without_a_key_nothing_but_the_description_is_given(gateway: ServiceProcess):
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as http:
        reply = await http.get("/memory/v1/entities")
        assert (reply.status_code, problem(reply)["code"]) == (401, "invalid_api_key")
        assert reply.headers["www-authenticate"] == "Bearer"
        assert (await http.get("/memory/v1/openapi.json")).json()["security"] == [{"key": []}]


async def test_one_tenant_does_not_see_another(client: Client):
    acme, globex = await client("acme"), await client("globex")
    fact = await add(acme, "ann", "I sail.")
    for reply in (
        await globex.get("/memory/v1/entities/ann"),
        await globex.get(f"/memory/v1/entities/ann/facts/{fact['id']}"),
        await globex.delete(f"/memory/v1/entities/ann/facts/{fact['id']}"),
        await globex.get("/memory/v1/entities/ann/export"),
        await globex.delete("/memory/v1/entities/ann"),
    ):
        assert reply.status_code == 404
    assert (await globex.get("/memory/v1/entities")).json()["total"] == 0
    assert await facts(globex, "ann") == []
    assert await facts(acme, "ann") == [fact]


async def test_a_bound_key_sees_its_entity_alone(client: Client, up: ScriptedUpstream):
    owner, ann = await client("initech"), await client("initech", entity="ann")
    for name in ("ann", "bob"):
        await tell(owner, name, said(f"I am {name}."))
    assert [one["id"] for one in (await ann.get("/memory/v1/entities")).json()["items"]] == ["ann"]
    assert {job["entity"] for job in (await ann.get("/memory/v1/jobs")).json()["items"]} == {"ann"}
    for method, path in (
        ("GET", "/entities/bob"),
        ("DELETE", "/entities/bob"),
        ("GET", "/entities/bob/facts"),
        ("GET", "/entities/bob/sessions"),
        ("GET", "/entities/bob/export"),
        ("GET", "/jobs?entity=bob"),
    ):
        reply = await ann.request(method, "/memory/v1" + path)
        assert (reply.status_code, problem(reply)["param"]) == (403, "entity")
    assert (await tell(ann, "bob", said("I am ann."))).status_code == 403
    assert (await tell(ann, "ann", said("I am still ann."))).status_code == 202


async def test_another_s_receipt_and_job_look_like_none(client: Client, up: ScriptedUpstream):
    owner, ann = await client("hooli"), await client("hooli", entity="ann")
    chat = await owner.post("/e/bob/v1/chat/completions", json={"model": "m", "messages": [said("Hello!")]})
    request = chat.headers["x-memproxy-request-id"]
    assert (await owner.get(f"/memory/v1/receipts/{request}")).status_code == 200
    job = (await owner.get("/memory/v1/jobs?entity=bob")).json()["items"][0]["id"]
    for theirs, none in (
        (await ann.get(f"/memory/v1/receipts/{request}"), await ann.get("/memory/v1/receipts/none")),
        (await ann.post(f"/memory/v1/jobs/{job}/retry"), await ann.post("/memory/v1/jobs/none/retry")),
    ):
        assert theirs.status_code == none.status_code == 404
        theirs_says, none_says = (problem(reply)["detail"].replace(job, "none") for reply in (theirs, none))
        assert theirs_says == none_says


async def test_a_key_confined_to_a_process_tells_and_recalls_and_no_more(gateway: ServiceProcess, client: Client):
    owner = await client("umbrella")
    narrow = await client("umbrella", process="maps", recall_scope="process")
    await tell(owner, "ann", said("I keep a secret in Lisbon."), process="diary")
    await tell(narrow, "ann", said("I drove to Lisbon."))
    await gateway.settled(key=owner.headers["authorization"].removeprefix("Bearer "))
    block = (await recall(narrow, "ann", "What about Lisbon?"))["block"]
    assert "drove" in block
    assert "secret" not in block
    [fact, *_] = await facts(owner, "ann")
    session = (await owner.get("/memory/v1/entities/ann/sessions")).json()["items"][0]["id"]
    for method, path in (
        ("GET", "/entities"),
        ("GET", "/entities/ann"),
        ("DELETE", "/entities/ann"),
        ("GET", "/entities/ann/facts"),
        ("GET", f"/entities/ann/facts/{fact['id']}"),
        ("PATCH", f"/entities/ann/facts/{fact['id']}"),
        ("DELETE", f"/entities/ann/facts/{fact['id']}"),
        ("GET", f"/entities/ann/facts/{fact['id']}/history"),
        ("GET", "/entities/ann/sessions"),
        ("GET", f"/entities/ann/sessions/{session}/messages"),
        ("GET", "/entities/ann/export"),
        ("POST", "/entities/ann/import"),
        ("GET", "/jobs"),
        ("POST", "/jobs/none/retry"),
        ("GET", "/receipts/none"),
    ):
        assert (await narrow.request(method, "/memory/v1" + path)).status_code == 403, path


async def test_a_key_bound_to_a_process_writes_as_that_process(client: Client):
    owner, maps = await client("wayne"), await client("wayne", process="maps")
    assert (await add(maps, "ann", "I drive."))["process"] == "maps"
    refused = await tell(maps, "ann", said("I drive."), process="diary")
    assert (refused.status_code, problem(refused)["param"]) == (403, "process")
    assert len(await facts(owner, "ann")) == len(await facts(maps, "ann")) == 1
