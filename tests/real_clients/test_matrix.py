"""Unmodified clients of every API, through the real service: the matrix of client and (plain, stream, tools).

Each client is a script of its own in the language and environment it needs; only its base URL is ours. The model is the
scripted upstream: it says where the person lives if, and only if, the prompt tells it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from memproxy.testing import anthropic, gemini
from memproxy.testing.exchange import Request
from memproxy.testing.replies import Answer, ToolCall
from memproxy.testing.responses import Given, Responses
from memproxy.testing.scripts import answer_by, first
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

HERE = Path(__file__).parent
PYTHON = os.environ.get("REAL_CLIENTS_PYTHON")
QUESTION = "What is the weather in the city where I live?"
BY_PATH = {"pydantic_ai_agent"}
"""Clients that name the person by the path."""

RESULTS = ('"role": "tool"', "tool_result", "function_call_output", "functionResponse")
"""What the result of a tool looks like in each API; its words would not do, since memory recalls them."""

SCRIPTS = sorted(
    path for path in (*HERE.glob("python/*.py"), *HERE.glob("node/*.mjs")) if path.stem not in ("cells", "test_matrix")
)


def answer(body: bytes) -> str | Answer:
    """Where tools are offered, the first is called before anything is said."""
    city = "Lisbon" if b"Lisbon" in body else "nowhere"
    if tool := _offered(json.loads(body)):
        return Answer(tools=(ToolCall("call_1", tool, json.dumps({"city": city})),))
    return f"18 degrees in {city}"


def _offered(body: dict) -> str | None:
    """The name of a tool that was not called yet."""
    tools = [] if any(mark in json.dumps(body) for mark in RESULTS) else body.get("tools") or []
    for tool in tools:
        for one in tool.get("functionDeclarations", [tool.get("function", tool)]):
            if "name" in one:
                return one["name"]
    return None


def responses(given: Given) -> str | Answer:
    said = json.dumps([given.instructions, list(given.items), given.body.get("tools")]).encode()
    body = {"tools": given.body.get("tools"), "said": said.decode()}
    return answer(json.dumps(body).encode())


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[ServiceProcess]:
    def by_body(request: Request) -> str | Answer:
        return answer(request.body)

    scripts = (Responses(rule=responses), anthropic.messages(by_body), gemini.generate(by_body), answer_by(by_body))
    async with ScriptedUpstream(script=first(*scripts)) as up:
        bare = up.url.removesuffix("/v1")
        service = ServiceProcess(
            folder=folder, upstream=up.url, anthropic_upstream=bare, gemini_upstream=bare, recall_timeout=5
        )
        async with service:
            yield service


async def answers(script: Path, env: dict[str, str]) -> dict[str, str]:
    """What each cell was answered."""
    process = await asyncio.create_subprocess_exec(
        str(PYTHON) if script.suffix == ".py" else "node",
        str(script),
        QUESTION,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, errors.decode()[-3000:]
    found: dict[str, str] = json.loads(said.decode().splitlines()[-1])
    return found


def _missing(script: Path) -> str | None:
    if PYTHON is None:
        return "the clients are installed and run by .ci/clients"
    if script.suffix == ".mjs" and shutil.which("node") is None:
        return "there is no node"
    return None


@pytest.mark.parametrize("script", SCRIPTS, ids=[path.name for path in SCRIPTS])
async def test_every_cell_of_the_matrix(script: Path, tmp_path: Path):
    if reason := _missing(script):
        pytest.skip(reason)
    person = "anna"
    async with opened(tmp_path) as service, httpx.AsyncClient(base_url=service.url, timeout=30) as http:
        told = {"messages": [{"role": "user", "content": "I live in Lisbon, the city on the Tagus."}]}
        (await http.post(f"/memory/v1/entities/{person}/messages", json=told)).raise_for_status()
        await service.settled(entity=person)
        by_path = script.stem in BY_PATH
        env = {
            "CLIENT_BASE": f"{service.url}/e/{person}" if by_path else service.url,
            "CLIENT_HEADERS": json.dumps({} if by_path else {"X-Memproxy-Entity": person}),
        }
        cells = await answers(script, env)
        assert cells
        for cell, answered in cells.items():
            assert "Lisbon" in answered, (cell, answered)
        # What was said is remembered, without any block.
        await service.settled(entity=person)
        sessions = (await http.get(f"/memory/v1/entities/{person}/sessions")).json()["items"]
        remembered = []
        for session in sessions:
            page = await http.get(f"/memory/v1/entities/{person}/sessions/{session['id']}/messages")
            remembered += page.json()["items"]
        said = [str(message.get("content", message.get("text"))) for message in remembered]
        assert not any("<memory>" in text for text in said)
        for cell in cells:
            assert any(f"({cell})" in text for text in said), (cell, said)
