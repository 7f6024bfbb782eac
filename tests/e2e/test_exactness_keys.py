"""Behind a shared gateway: each provider gets its own credential and none of memproxy's, and what belongs to the
operator's account stays closed to tenants."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from memproxy.testing import anthropic, gemini
from memproxy.testing.replies import whole
from memproxy.testing.responses import Responses
from memproxy.testing.scripts import always, answer, echo, first
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

PROVIDED = {"Authorization": "Bearer sk-openai", "x-api-key": "sk-anthropic", "x-goog-api-key": "sk-gemini"}
WAYS = {
    "openai": ("/v1/chat/completions", "Authorization", "Bearer {}"),
    "openai, passed through": ("/v1/audio/speech", "Authorization", "Bearer {}"),
    "anthropic": ("/v1/messages", "x-api-key", "{}"),
    "gemini": ("/v1beta/models/m:generateContent", "x-goog-api-key", "{}"),
}


def gateway(folder: Path, port: int, **settings: object) -> ServiceProcess:
    upstream = f"http://127.0.0.1:{port}"
    return ServiceProcess(
        folder=folder,
        upstream=f"{upstream}/v1",
        anthropic_upstream=upstream,
        gemini_upstream=upstream,
        auth="keys",
        upstream_key="sk-openai",
        anthropic_upstream_key="sk-anthropic",
        gemini_upstream_key="sk-gemini",
        embedder="none",
        recall_timeout=5,
        **settings,
    )


def new_key(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "memproxy", "keys", "create", *words, f"--data-dir={folder / 'data'}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, upstream_port: int) -> Iterator[ServiceProcess]:
    running = gateway(tmp_path_factory.mktemp("memproxy"), upstream_port)
    asyncio.run(running.start())
    yield running
    asyncio.run(running.kill())


@pytest.fixture(scope="module")
def key(service: ServiceProcess) -> str:
    return new_key(service.folder, "--tenant", "acme", "--entity", "alice")


@pytest.fixture
async def up(up: ScriptedUpstream) -> ScriptedUpstream:
    up.script = first(Responses(), anthropic.messages("Hi."), gemini.generate("Hi."), answer("Hi."), echo)
    return up


def body(path: str) -> bytes:
    if "generateContent" in path:
        return b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
    return b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"input":"hi"}'


def credentials(up: ScriptedUpstream) -> dict[str, str]:
    return {name: up.last.header(name) for name in PROVIDED if up.last.header(name)}


@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "X-Memproxy-Key", "its own"])
@pytest.mark.parametrize(("path", "place", "form"), WAYS.values(), ids=WAYS)
async def test_a_key_is_replaced_by_the_credential_of_the_provider_in_its_own_header(
    up: ScriptedUpstream, http: httpx.AsyncClient, key: str, header: str, path: str, place: str, form: str
):
    header = place if header == "its own" else header
    sent = {header: f"Bearer {key}" if header == "Authorization" else key, "X-Memproxy-Process": "app"}
    reply = await http.post(path, content=body(path), headers=sent)
    assert reply.status_code == 200
    assert credentials(up) == {place: PROVIDED[place]}
    assert not [name for name, _ in up.last.headers if name.lower().startswith("x-memproxy")]
    assert key not in str(up.last.headers) + up.last.target


async def test_a_key_in_the_query_is_taken_out_and_the_rest_keeps_its_bytes(
    up: ScriptedUpstream, http: httpx.AsyncClient, key: str
):
    path = "/v1beta/models/m:streamGenerateContent"
    reply = await http.post(f"{path}?alt=sse&key={key}&x=%2F", content=body("generateContent"))
    assert reply.status_code == 200
    assert up.last.target == f"{path}?alt=sse&x=%2F"
    assert credentials(up) == {"x-goog-api-key": "sk-gemini"}


@pytest.mark.parametrize(("path", "place", "form"), WAYS.values(), ids=WAYS)
async def test_a_tenant_s_own_credential_goes_upstream_in_place_of_the_operator_s(
    up: ScriptedUpstream, http: httpx.AsyncClient, key: str, path: str, place: str, form: str
):
    await http.post(path, content=body(path), headers={"X-Memproxy-Key": key, place: form.format("sk-own")})
    assert credentials(up) == {place: form.format("sk-own")}


CLOSED = {
    "/v1/organization/costs": "account_endpoints",
    "/v1/organizations/api_keys": "account_endpoints",
    "/v1/projects": "account_endpoints",
    "/v1/files": "stored_objects",
    "/v1/batches/b": "stored_objects",
    "/v1/vector_stores": "stored_objects",
    "/v1/conversations/c/items": "stored_objects",
    "/v1/responses/resp_of_another": "stored_objects",
    "/v1/messages/batches": "stored_objects",
    "/v1beta/files": "stored_objects",
}


def message(reply: httpx.Response) -> str:
    return str(reply.json()["error"]["message"])


@pytest.mark.parametrize(("path", "setting"), CLOSED.items())
async def test_what_is_the_operator_s_is_closed_and_the_error_names_the_setting(
    up: ScriptedUpstream, http: httpx.AsyncClient, key: str, path: str, setting: str
):
    for spelled in (path, path.replace("/", "//", 2).removeprefix("/"), path.replace("s", "%73", 1)):
        reply = await http.get(spelled, headers={"X-Memproxy-Key": key})
        assert reply.status_code in (403, 404), spelled
        assert up.requests == []
    reply = await http.get(path, headers={"X-Memproxy-Key": key})
    assert reply.status_code == 403
    assert f"`{setting}`" in message(reply)
    own = {"X-Memproxy-Key": key, "Authorization": "Bearer sk-own", "x-api-key": "sk-own", "x-goog-api-key": "sk-own"}
    await http.get(path, headers=own)
    assert up.last.target == path, "with a credential of its own a tenant reaches what that allows"


async def test_a_refusal_has_the_shape_and_the_request_id_of_each_api(
    up: ScriptedUpstream, http: httpx.AsyncClient, key: str
):
    claude = await http.get("/v1/messages/batches", headers={"x-api-key": key, "anthropic-version": "2023-06-01"})
    assert claude.json()["error"]["type"] == "permission_error"
    assert claude.headers["request-id"] == claude.json()["request_id"] == claude.headers["x-memproxy-request-id"]
    openai = await http.get("/v1/files", headers={"Authorization": f"Bearer {key}"})
    assert openai.json()["error"]["param"] == "stored_objects"
    assert openai.headers["x-request-id"] == openai.json()["error"]["request_id"]
    google = await http.get("/v1beta/files", headers={"x-goog-api-key": key})
    assert google.json()["error"]["status"] == "PERMISSION_DENIED"


async def test_an_answer_that_the_tenant_asked_for_can_be_fetched_and_no_other(
    up: ScriptedUpstream, http: httpx.AsyncClient, service: ServiceProcess, key: str
):
    mine = {"Authorization": f"Bearer {key}"}
    other = {"Authorization": f"Bearer {new_key(service.folder, '--tenant', 'other', '--entity', 'alice')}"}
    made = (await http.post("/v1/responses", json={"model": "m", "input": "I keep bees."}, headers=mine)).json()
    await service.settled(key=key)
    fetched = await http.get(f"/v1/responses/{made['id']}", headers=mine)
    assert fetched.status_code == 200
    assert fetched.json()["id"] == made["id"]
    assert (await http.get(f"/v1/responses/{made['id']}", headers=other)).status_code == 403


async def test_the_operator_opens_what_the_settings_name(folder: Path, upstream_port: int, up: ScriptedUpstream):
    up.script = always(whole(body=json.dumps({"data": []}).encode()))
    async with (
        gateway(folder, upstream_port, account_endpoints=True, stored_objects=True) as service,
        httpx.AsyncClient(base_url=service.url, trust_env=False) as http,
    ):
        key = await asyncio.to_thread(new_key, folder, "--tenant", "acme")
        for path in CLOSED:
            assert (await http.get(path, headers={"Authorization": f"Bearer {key}"})).status_code == 200
