"""A person with a shell and a running service: brings a history in, sees what is known, changes it, takes it away."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream
from tests.cli.running import memproxy, on_terminal

DATA = Path(__file__).parents[1] / "importers/data"
BELL = "\x1b]0;owned\x07\x1b[31mred\u202e"


class Shell:
    """Runs commands against the service; each fails the test where it fails, unless it should."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, *args: str | Path, status: int = 0, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        done = memproxy(*args, given=given, **{"MEMPROXY_URL": self.url, **env})
        assert done.returncode == status, done
        assert "Traceback" not in done.stderr
        return done

    def lines(self, *args: str | Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*args, "--json").stdout.splitlines()]

    def document(self, *args: str | Path, status: int = 0) -> dict[str, Any]:
        return json.loads(self.run(*args, "--json", status=status).stdout)


@pytest.fixture
def shell(service: ServiceProcess) -> Shell:
    return Shell(service.url)


def texts(facts: list[dict[str, Any]]) -> set[str]:
    return {fact["text"] for fact in facts}


def test_a_history_is_brought_in_once_and_recalled_with_its_own_dates(shell: Shell, person: str):
    export = DATA / "chatgpt/conversations.json"
    first = shell.document("import", export, "--entity", person, "--wait", status=1)
    assert (first["format"], first["conversations"], first["stored"]) == ("chatgpt", 3, 8)
    assert first["broken"] == ["conversation 3: Expected `object`, got `null` - at `$.mapping`"]
    assert shell.document("import", export, "--entity", person, status=1)["stored"] == 0
    found = shell.document("recall", person, "What is my dog called?")
    assert any("Rex" in hit["text"] and hit["created_at"].startswith("2023-03-28") for hit in found["hits"])
    told = shell.lines("entities", "sessions", person, "chatgpt:65e7c000-1111-4222-8333-444455556666")
    assert told[0]["content"] == "I move to Lisbon next month. Which quarter is quiet?"
    assert told[0]["created_at"].startswith("2024-03-05T16:01:40.25")


def test_an_archive_as_it_was_downloaded_will_do(shell: Shell, person: str, tmp_path: Path):
    path = tmp_path / "data-2026.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.json", "[]")
        archive.write(DATA / "claude/conversations.json", "conversations.json")
    brought = shell.run("import", path, "--entity", person, "--wait", status=1)
    assert re.search(r"^format +claude$", brought.stdout, re.MULTILINE)
    assert re.search(r"^messages +6, 6 of them new$", brought.stdout, re.MULTILINE)
    assert re.search(r"data-2026\.zip done \(6 messages, [\d.,]+/s\)", brought.stderr)
    assert "not read: conversation 4: " in brought.stderr
    assert "walnuts" in shell.run("recall", person, "What am I allergic to?", "--block").stdout


def test_an_older_conversation_that_comes_later_does_not_overrule_a_newer(shell: Shell, person: str, tmp_path: Path):
    for year, city in ((2025, "Lisbon"), (2023, "Porto")):
        said = {"role": "user", "content": f"I live in {city}.", "created_at": f"{year}-05-01T09:00:00Z"}
        (tmp_path / "log.jsonl").write_text(json.dumps({**said, "session": str(year)}))
        shell.run("import", tmp_path / "log.jsonl", "--entity", person, "--wait")
    assert texts(shell.lines("facts", "list", person, "--kind", "profile")) == {"Lives in Lisbon"}


def test_a_dry_run_needs_no_service_and_leaves_nothing(shell: Shell, person: str):
    shell.run("import", DATA / "log.jsonl", "--entity", person, "--dry-run", MEMPROXY_URL="http://127.0.0.1:9")
    assert shell.run("entities", "show", person, status=1).stdout == ""


def test_a_memory_that_was_carried_away_recalls_the_same_elsewhere(shell: Shell, person: str, tmp_path: Path):
    shell.run("import", DATA / "chatgpt/conversations.json", "--entity", person, "--wait", status=1)
    file, other = tmp_path / "memory.ndjson", f"{person}.moved"
    shell.run("export", person, "-o", file)
    assert "--force" in shell.run("export", person, "-o", file, status=2).stderr
    brought = shell.document("import", file, "--entity", other, "--wait")
    assert (brought["format"], brought["rows"]) == ("memproxy", brought["stored"])
    assert shell.document("import", file, "--entity", other)["stored"] == 0
    here, there = (shell.document("recall", one, "What is my dog called?") for one in (person, other))
    assert here["block"] == there["block"]
    assert [hit["score"] for hit in here["hits"]] == [hit["score"] for hit in there["hits"]]
    piped = shell.run("export", person).stdout
    assert piped.count("\n") == brought["rows"] + 1


def test_a_fact_is_added_corrected_pinned_and_forgotten(shell: Shell, person: str):
    added = shell.document("facts", "add", person, "I am allergic to nuts.", "--kind", "profile", "--metadata", "by=me")
    id = added["id"]
    assert (added["authored"], added["metadata"]) == (True, {"by": "me"})
    shell.run("facts", "correct", person, id, "I am allergic to walnuts.")
    shell.run("facts", "pin", person, id)
    assert re.search(rf"^{id}  profile +\S+  pinned  I am allergic to walnuts\.$", listed(shell, person), re.MULTILINE)
    changes = [event["action"] for event in shell.lines("facts", "history", person, id)]
    assert changes == ["created", "corrected", "pinned"]
    assert "walnuts" in shell.run("recall", person, "Write quicksort in C++.", "--block").stdout
    shell.run("facts", "unpin", person, id)
    assert shell.document("facts", "show", person, id)["pinned"] is False
    assert "nuts. -> I am allergic to walnuts." in shell.run("facts", "history", person, id).stdout
    assert f"forgotten: {id}" in shell.run("facts", "forget", person, id).stderr
    assert "memproxy: " in shell.run("facts", "show", person, id, status=1).stderr
    assert shell.lines("facts", "search", person, "WALNUTS") == []


def listed(shell: Shell, person: str) -> str:
    return shell.run("facts", "list", person).stdout


async def test_what_a_request_was_given_is_seen_by_its_receipt(
    shell: Shell, person: str, http: httpx.AsyncClient, up: ScriptedUpstream
):
    bees = "I keep bees in Porto."
    await asyncio.to_thread(shell.run, "facts", "add", person, bees, "--pin")
    body = {"model": "m", "messages": [{"role": "user", "content": "Where are my bees?"}]}
    reply = await http.post(f"/e/{person}/v1/chat/completions", json=body)
    id = reply.headers["x-memproxy-request-id"]
    receipt = await asyncio.to_thread(shell.document, "recall", "--receipt", id)
    assert receipt["entity"] == person
    assert [fact["text"] for fact in receipt["facts"]] == [bees]
    assert bees in (await asyncio.to_thread(shell.run, "recall", "--receipt", id)).stdout


def test_erasing_asks_first_and_leaves_nobody(shell: Shell, person: str):
    shell.run("facts", "add", person, "I sail.")
    asked = shell.run("entities", "erase", person, status=1, given="n\n")
    assert f"Erase {person} for good" in asked.stderr
    assert shell.document("entities", "show", person)["facts"] == {"knowledge": 1}
    shell.run("entities", "erase", person, given="y\n")
    assert person not in shell.run("entities", "list").stdout
    assert "memproxy: " in shell.run("entities", "erase", person, "--yes", status=1).stderr


def test_text_from_a_memory_has_no_power_over_the_terminal(shell: Shell, person: str):
    shell.run("facts", "add", person, f"I am {BELL}", "--metadata", f"{BELL}=x")
    (fact,) = shell.lines("facts", "list", person)
    assert fact["text"] == f"I am {BELL}"
    asked = ("recall", person, "Who am I?", "--kind", "knowledge")
    for command in (("facts", "list", person), ("facts", "show", person, fact["id"]), asked):
        for shown in (shell.run(*command).stdout, shell.run(*command, "--json").stdout):
            assert not set(shown) & set(BELL[:1] + "\x07\u202e"), command
        on_screen = on_terminal(*command, columns=90, MEMPROXY_URL=shell.url)
        assert "owned" in on_screen
        assert not re.search("\x1b(?!\\[[0-9;]*m)|\x1b\\[31m|\x07|\u202e", on_screen), command


def test_a_terminal_gets_a_table_as_wide_as_it_is_and_a_pipe_plain_lines(shell: Shell, person: str):
    long = "漢字 مرحبا 🦜 " * 30
    shell.run("facts", "add", person, long)
    piped = shell.run("facts", "list", person).stdout
    assert long.strip() in piped
    assert "\x1b" not in piped
    for columns in (60, 120):
        shown = on_terminal("facts", "list", person, columns=columns, MEMPROXY_URL=shell.url)
        assert "\x1b[" in shown
        assert max(width(line) for line in shown.splitlines()) <= columns


def width(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(re.sub(r"\x1b\[[0-9;]*m", "", line))


def test_scripts_get_a_line_for_each_item_and_people_the_newest(shell: Shell, person: str, tmp_path: Path):
    lines = [{"role": "user", "content": f"My lucky number is {n}.", "session": f"s{n}"} for n in range(60)]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    shell.run("import", tmp_path / "log.jsonl", "--entity", person, "--wait")
    assert len(shell.lines("entities", "sessions", person)) == 60
    assert len(shell.lines("entities", "sessions", person, "--limit", "3")) == 3
    shown = shell.run("entities", "sessions", person)
    assert len(shown.stdout.splitlines()) == 51
    assert "50 of 60" in shown.stderr
    jobs = shell.lines("jobs", "list", "--entity", person, "--state", "done")
    assert {job["entity"] for job in jobs} == {person}
    assert "memproxy: " in shell.run("jobs", "retry", jobs[0]["id"], status=1).stderr


def test_a_mistake_is_one_line_and_a_status(shell: Shell, person: str):
    for args, status, said in (
        (("facts", "list", "no spaces"), 1, "entity"),
        (("facts", "show", person, "nope"), 1, "memproxy: "),
        (("recall", person), 2, "--receipt"),
        (("recall", person, "x", "--url", "http://127.0.0.1:9"), 1, "memproxy serve"),
        (("recall", person, "x", "--url", "127.0.0.1"), 2, "url: must be"),
        (("import", "/nowhere.zip", "--entity", person), 1, "/nowhere.zip cannot be read"),
        (("import", DATA / "log.jsonl", "--entity", "no spaces"), 1, "entity"),
    ):
        assert said in shell.run(*args, status=status).stderr.splitlines()[-1]


def test_a_key_is_asked_for_and_shows_its_own_entity_alone(tmp_path: Path):
    running = ServiceProcess(folder=tmp_path, upstream="http://127.0.0.1:9/v1", auth="keys")
    data = str(tmp_path / "data")
    key = memproxy("keys", "create", "--tenant", "acme", "--data-dir", data).stdout.strip()
    bound = memproxy("keys", "create", "--tenant", "acme", "--entity", "bob", "--data-dir", data).stdout.strip()
    asyncio.run(running.start())
    try:
        shell = Shell(running.url)
        shell.run("facts", "add", "alice", "I sail.", "--key", key)
        shell.run("facts", "add", "bob", "I fly.", MEMPROXY_KEY=key)
        assert shell.run("entities", "list", MEMPROXY_KEY=key).stdout.count("\n") == 3
        assert "alice" not in shell.run("entities", "list", MEMPROXY_KEY=bound).stdout
        assert "memproxy: " in shell.run("facts", "list", "alice", MEMPROXY_KEY=bound, status=1).stderr
        for wrong in ("", "mp_nokey_nosecret"):
            said = shell.run("facts", "list", "alice", status=1, MEMPROXY_KEY=wrong).stderr
            assert re.match(r"memproxy: .*key", said)
            assert "nosecret" not in said
    finally:
        asyncio.run(running.kill())
