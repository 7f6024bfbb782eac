"""The running service keeps to its OpenAPI document: schemathesis asks it for everything that the document allows, and
for much that it does not, and finds no answer that the document does not foresee."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from memproxy.config import load
from memproxy.keyring import Binding, create
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .asking import said

EXAMPLES = os.environ.get("SCHEMA_EXAMPLES", "15")
"""Of each call and kind of data; the boundaries of every field come on top."""


@pytest.fixture
def gateway(tmp_path: Path, upstream_port: int) -> Iterator[ServiceProcess]:
    service = ServiceProcess(folder=tmp_path / "service", upstream=f"http://127.0.0.1:{upstream_port}/v1", auth="keys")
    asyncio.run(service.start())
    yield service
    asyncio.run(service.kill())


async def chatted(gateway: ServiceProcess, key: str, upstream_port: int) -> str:
    """The id of a request that has a receipt."""
    headers = {"Authorization": f"Bearer {key}"}
    async with ScriptedUpstream(port=upstream_port), httpx.AsyncClient(trust_env=False, headers=headers) as http:
        body = {"model": "m", "messages": [said("Hello!")]}
        reply = await http.post(f"{gateway.url}/e/somebody/v1/chat/completions", json=body)
        return reply.raise_for_status().headers["x-memproxy-request-id"]


def test_no_answer_is_unexpected(gateway: ServiceProcess, tmp_path: Path, upstream_port: int):
    settings, _ = load(env={}, flags={"data_dir": gateway.folder / "data"})
    key = asyncio.run(create(settings, Binding("acme")))
    request = asyncio.run(chatted(gateway, key, upstream_port))
    (tmp_path / "schemathesis.toml").write_text(
        f'[[operations]]\ninclude-operation-id = "receipt"\nparameters = {{ "path.request_id" = "{request}" }}\n'
    )
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{gateway.url}/memory/v1/openapi.json"]
    command += ["--header", f"Authorization: Bearer {key}", "--checks", "all", "--mode", "all"]
    command += ["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", EXAMPLES]
    command += ["--generation-deterministic", "--no-color"]
    hooks = {"SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("schema_hooks.py"))}
    found = subprocess.run(command, cwd=tmp_path, env=os.environ | hooks, capture_output=True, text=True, timeout=900)
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr[-4000:]
