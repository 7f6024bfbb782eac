"""Bad input and bad surroundings: one clear error that says what to do, or a chat that passes as if nothing were."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import openai
import pytest

from memproxy.testing.exchange import HANG_UP, STALL, End
from memproxy.testing.replies import raw
from memproxy.testing.scripts import always, answer
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

HI = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def error_of(reply: httpx.Response) -> dict:
    """OpenAI's error object, with what every error of memproxy carries."""
    error = reply.json()["error"]
    assert error["type"] == "memproxy_error"
    assert error["request_id"] == reply.headers["x-memproxy-request-id"]
    assert len(error["message"]) > 20
    return error


# Requests


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'{"model":"m"}', b'{"messages":{}}', b'{"messages":[]}', b'{"messages":[7,null]}',
     b'{"messages":[{"role":"user","content":{"odd":1}}]}', b"\xff\xfe\x00", b'{"messages":' + b"[" * 5000],
)  # fmt: skip
async def test_a_body_that_memory_cannot_read_passes_as_it_came(
    http: httpx.AsyncClient, up: ScriptedUpstream, person: str, body: bytes
):
    up.script = always(raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\ntheir"))
    reply = await http.post(f"/e/{person}/v1/chat/completions", content=body)
    assert (reply.status_code, reply.content) == (400, b"their")
    assert up.last.body == body


@pytest.mark.parametrize("header", ["X-Memproxy-Entity", "X-Memproxy-Process", "X-Memproxy-Session"])
async def test_an_invalid_id_is_refused_by_the_name_of_its_header(
    http: httpx.AsyncClient, up: ScriptedUpstream, header: str
):
    reply = await http.post("/v1/chat/completions", json=HI, headers={header: "not valid!"})
    assert reply.status_code == 400
    assert error_of(reply)["param"] == header
    assert up.requests == []


async def test_an_unknown_memory_mode_is_refused(http: httpx.AsyncClient, up: ScriptedUpstream):
    reply = await http.post("/v1/chat/completions", json=HI, headers={"X-Memproxy-Memory": "perhaps"})
    assert reply.status_code == 400
    assert "capture" in error_of(reply)["message"]


async def test_a_path_off_the_data_plane_says_where_it_is(http: httpx.AsyncClient, up: ScriptedUpstream):
    reply = await http.get("/chat/completions")
    assert reply.status_code == 404
    assert "/v1" in error_of(reply)["message"]


async def test_a_page_that_points_its_name_at_this_machine_is_refused(http: httpx.AsyncClient, up: ScriptedUpstream):
    reply = await http.post("/v1/chat/completions", json=HI, headers={"Host": "evil.example"})
    assert reply.status_code == 403
    assert error_of(reply)["param"] == "Host"


async def test_sixty_megabytes_pass(http: httpx.AsyncClient, up: ScriptedUpstream, person: str):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 60_000_000}}
    parts = [{"type": "text", "text": "I painted this heron."}, image]
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()
    reply = await http.post(f"/e/{person}/v1/chat/completions", content=body)
    assert reply.status_code == 200
    assert up.last.body == body


# The upstream


async def test_an_upstream_that_refuses_is_a_502_that_names_it(service: ServiceProcess, http: httpx.AsyncClient):
    reply = await http.post("/v1/chat/completions", json=HI)
    assert reply.status_code == 502
    assert error_of(reply)["param"] == "upstream"


async def test_an_upstream_that_stalls_is_a_504(http: httpx.AsyncClient, up: ScriptedUpstream):
    up.script = always(STALL)
    reply = await http.post("/v1/chat/completions", json=HI)
    assert reply.status_code == 504
    assert "upstream_timeout" in error_of(reply)["message"]


@pytest.mark.parametrize(
    "script",
    [HANG_UP, raw(End.RESET), raw(b"this is not HTTP at all\r\n\r\n", End.CLOSE), raw(b"HTTP/1.1 2", End.CLOSE)],
    ids=["hangs up", "resets", "talks garbage", "breaks off its head"],
)
async def test_an_upstream_that_gives_no_reply_is_a_502(http: httpx.AsyncClient, up: ScriptedUpstream, script):
    up.script = always(script)
    reply = await http.post("/v1/chat/completions", json=HI)
    assert reply.status_code == 502
    error_of(reply)


async def test_the_official_client_understands_our_errors(service: ServiceProcess, ai: openai.AsyncOpenAI):
    with pytest.raises(openai.InternalServerError, match="cannot be reached") as failed:
        await ai.chat.completions.create(**HI)
    assert failed.value.type == "memproxy_error"


# The store and the data directory


@pytest.fixture
def strict(folder: Path, upstream_port: int) -> ServiceProcess:
    """A service of its own, with the deadlines that people have."""
    return ServiceProcess(
        folder=folder,
        upstream=f"http://127.0.0.1:{upstream_port}/v1",
        embedder="none",
        recall_timeout=0.15,
        capture_timeout=1,
        max_body=1_000_000,
    )


async def degraded(service: ServiceProcess) -> dict[str, float]:
    async with httpx.AsyncClient(trust_env=False) as http:
        lines = (await http.get(f"{service.url}/metrics")).text.splitlines()
    return {
        line.split('reason="')[1].split('"')[0]: float(line.split()[-1])
        for line in lines
        if line.startswith("memproxy_degraded_total{")
    }


async def chat(service: ServiceProcess, person: str, text: str = "hi") -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.post(f"{service.url}/e/{person}/v1/chat/completions", json=body)


def stored(service: ServiceProcess, text: str) -> int:
    """How many messages of the store say exactly that."""
    with sqlite3.connect(f"file:{service.folder / 'data' / 'memproxy.db'}?mode=ro", uri=True) as base:
        (count,) = base.execute("SELECT count(*) FROM message WHERE text = ?", (text,)).fetchone()
    base.close()
    return count


async def test_what_is_said_while_the_store_is_locked_waits_in_the_journal(
    strict: ServiceProcess, up: ScriptedUpstream, person: str
):
    async with strict:
        assert (await chat(strict, person)).headers["x-memproxy-memory"] == "none"
        with sqlite3.connect(strict.folder / "data" / "memproxy.db") as other:
            other.execute("BEGIN EXCLUSIVE")
            reply = await chat(strict, person, "while it is locked")
        other.close()
        assert reply.status_code == 200
        assert (await degraded(strict))["journal"] >= 1
        await up.until(lambda: stored(strict, "while it is locked") == 1, deadline=20)
        async with asyncio.timeout(20):
            while (await chat(strict, person, "afterwards")).headers["x-memproxy-memory"] != "none":  # noqa: ASYNC110 another process
                await asyncio.sleep(0.1)
    assert "while it is locked" not in strict.log_tail(), "no user content in the log"


async def test_a_broken_store_leaves_the_chat_alone_and_is_said(
    strict: ServiceProcess, up: ScriptedUpstream, person: str
):
    async with strict:
        await chat(strict, person)
        with sqlite3.connect(strict.folder / "data" / "memproxy.db") as other:
            other.execute("ALTER TABLE message RENAME TO gone")
        other.close()
        reply = await chat(strict, person)
        assert reply.status_code == 200
        assert reply.headers["x-memproxy-memory"] == "degraded"
        assert sum((await degraded(strict)).values()) >= 1


async def test_a_missing_model_is_degraded_and_recall_goes_by_words(
    folder: Path, upstream_port: int, up: ScriptedUpstream, person: str
):
    service = ServiceProcess(folder=folder, upstream=up.url, model_dir=folder / "no-model", recall_timeout=5)
    async with service, httpx.AsyncClient(trust_env=False) as http:
        await chat(service, person, "My parrot is called Coco.")
        await service.settled(entity=person)
        reply = await chat(service, person, "What is my parrot called?")
        assert reply.headers["x-memproxy-memory"] == "degraded"
        assert "Coco" in up.last.prompt
        ready = (await http.get(f"{service.url}/readyz")).json()
        assert "memproxy model pull" in ready["parts"]["model"]


async def test_a_body_over_the_limit_is_refused_by_name(strict: ServiceProcess, up: ScriptedUpstream, person: str):
    async with strict:
        reply = await chat(strict, person, "x" * 1_000_001)
    assert reply.status_code == 413
    assert error_of(reply)["param"] == "max_body"
    assert up.requests == []


async def test_a_store_that_stays_away_at_start_is_one_clear_line(strict: ServiceProcess):
    data = strict.folder / "data"
    data.mkdir(parents=True)
    (data / "memproxy.db").write_text("this is not a database, " * 100)
    ended = await asyncio.to_thread(subprocess.run, strict.command(), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "memproxy.db" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_port_in_use_is_one_clear_line(strict: ServiceProcess, up: ScriptedUpstream):
    command = [part.replace(f"127.0.0.1:{strict.port}", f"127.0.0.1:{up.port}") for part in strict.command()]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "in use" in ended.stderr
    assert "--listen" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_data_directory_that_cannot_be_made_is_one_clear_line(strict: ServiceProcess):
    strict.folder.mkdir(parents=True)
    (strict.folder / "data").write_text("a file where the directory should be")
    ended = await asyncio.to_thread(subprocess.run, strict.command(), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "data_dir" in ended.stderr
    assert "Traceback" not in ended.stderr


# Keys


async def test_keys_open_their_tenant_and_stop_when_revoked(folder: Path, upstream_port: int, up: ScriptedUpstream):
    service = ServiceProcess(
        folder=folder, upstream=up.url, auth="keys", upstream_key="sk-provider", key_cache=0.2, embedder="none"
    )

    def keys(*words: str) -> str:
        command = [sys.executable, "-m", "memproxy", "keys", *words, f"--data-dir={folder / 'data'}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    async with service, httpx.AsyncClient(base_url=f"{service.url}/v1", trust_env=False) as http:
        acme = (await asyncio.to_thread(keys, "create", "--tenant", "acme", "--entity", "alice")).strip()
        other = (await asyncio.to_thread(keys, "create", "--tenant", "other")).strip()

        async def ask(key: str | None, text: str, **headers: str) -> httpx.Response:
            if key:
                headers["Authorization"] = f"Bearer {key}"
            body = {"model": "m", "messages": [{"role": "user", "content": text}]}
            return await http.post("/chat/completions", json=body, headers=headers)

        for wrong in (None, "sk-something", acme[:-1] + ("a" if acme[-1] != "a" else "b")):
            reply = await ask(wrong, "hi")
            assert reply.status_code == 401
            assert "memproxy key" in error_of(reply)["message"]
        assert (await ask(acme, "hi", **{"X-Memproxy-Entity": "bob"})).status_code == 403

        assert (await ask(acme, "My boat is called Wanda.")).status_code == 200
        assert up.last.header("authorization") == "Bearer sk-provider", "the key never goes upstream"
        await service.settled(key=acme)
        await ask(other, "What is my boat called?", **{"X-Memproxy-Entity": "alice"})
        assert "Wanda" not in up.last.body.decode(), "the same name in another tenant is another person"
        await ask(acme, "What is my boat called?")
        assert "Wanda" in up.last.prompt

        listed = await asyncio.to_thread(keys, "list", "--json")
        assert acme.split("_")[2] not in listed
        await asyncio.to_thread(keys, "revoke", json.loads(listed)[-1]["id"])
        await asyncio.sleep(0.3)
        reply = await ask(acme, "hi")
        assert reply.status_code == 401
        assert "revoked" in error_of(reply)["message"]
    for secret in (acme, other, "sk-provider"):
        assert secret not in service.log_tail(100_000)


# Shutdown


async def test_a_running_stream_may_end_before_the_service_does(
    strict: ServiceProcess, up: ScriptedUpstream, person: str
):
    up.script = answer("one two three four five", delay=0.1)
    await strict.start()
    body = {**HI, "stream": True}
    async with httpx.AsyncClient(trust_env=False) as http:
        async with http.stream("POST", f"{strict.url}/e/{person}/v1/chat/completions", json=body) as reply:
            pieces = reply.aiter_raw()
            first = await anext(pieces)
            ended = asyncio.create_task(strict.stop())
            rest = b"".join([piece async for piece in pieces])
        assert (first + rest).endswith(b"data: [DONE]\n\n")
    assert await ended == 0
    with sqlite3.connect(strict.folder / "data" / "memproxy.db") as store:
        stored = store.execute("SELECT count(*) FROM message").fetchone()
    store.close()
    assert stored == (2,)


async def test_a_second_signal_cuts_the_farewell_short(strict: ServiceProcess, up: ScriptedUpstream, person: str):
    up.script = answer("one", upto=1, end=(math.inf,))
    await strict.start()
    pid = strict.pid
    body = {**HI, "stream": True}
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        http.stream("POST", f"{strict.url}/e/{person}/v1/chat/completions", json=body) as reply,
    ):
        pieces = reply.aiter_raw()
        await anext(pieces)
        ended = asyncio.create_task(strict.stop())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), 0.5)
        os.kill(pid, signal.SIGTERM)
        assert await asyncio.wait_for(ended, 15) == 0
        await pieces.aclose()
