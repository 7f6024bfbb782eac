"""The examples of the memory API's page do what the page says, one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import httpx

from memproxy.api.memory.table import CALLS
from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .asking import facts, said

PAGE = Path(__file__).parents[2] / "docs/reference/memory-api.md"


def examples() -> list[tuple[str, list[str]]]:
    """Each call with its curl, as words."""
    found = re.findall(r"^### `(.+?)`\n.+?^    (curl .+?)$(?=\n\n|\n\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [(name, shlex.split(curl)[1:]) for name, curl in found]


def request(words: list[str], folder: Path) -> tuple[str, str, dict[str, str], bytes | None]:
    """What curl would send."""
    method, headers, body, url = "GET", {}, None, ""
    rest = iter(words)
    for word in rest:
        match word:
            case "-X":
                method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            case "--json":
                method = "POST" if method == "GET" else method
                headers["Content-Type"], body = "application/json", next(rest).encode()
            case "--data-binary":
                method, body = "POST", (folder / next(rest).removeprefix("@")).read_bytes()
            case "-o":
                next(rest)
            case _:
                url = word
    return method, url.removeprefix("localhost:8700"), headers, body


async def test_every_example_of_the_page_works(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, tmp_path: Path
):
    names: dict[str, str] = {}
    shown = examples()
    assert [name for name, _ in shown] == re.findall(r"^### `(.+?)`", PAGE.read_text(), re.MULTILINE)
    calls = {f"{call.method} {call.path}": call for call in CALLS}
    for name, words in shown:
        method, url, headers, body = request([names.get(word, word) for word in words], tmp_path)
        for variable, value in names.items():
            url = url.replace(variable, value)
        reply = await http.request(method, url, headers=headers, content=body)
        if name == "POST /jobs/{id}/retry":
            assert reply.status_code == 409, "nothing has failed here"
            continue
        assert reply.status_code == calls[name].status, (name, reply.text)
        if name == "POST /entities/{entity}/messages":
            await service.settled()
            names |= {"$JOB": reply.json()["job"], "$FACT": (await facts(http, "alice", kind="profile"))[0]["id"]}
            chat = {"model": "m", "messages": [said("Where do I live?")]}
            answered = await http.post("/e/alice/v1/chat/completions", json=chat)
            names["$REQUEST"] = answered.headers["x-memproxy-request-id"]
        if name.endswith("/export"):
            (tmp_path / "alice.ndjson").write_bytes(reply.content)
