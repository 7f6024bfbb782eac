"""The doctor finds what keeps a service from its work, and says what to do about it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memproxy.config import Settings, load
from memproxy.doctor import Finding, examine
from memproxy.domain import ApiKey
from memproxy.parts import make_store
from memproxy.testing.replies import error
from memproxy.testing.scripts import always
from memproxy.testing.service import ServiceProcess, free_port
from memproxy.testing.upstream import ScriptedUpstream


@pytest.fixture
async def up() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def healthy(tmp_path: Path, up: ScriptedUpstream) -> dict[str, object]:
    """Settings with which all is well, a model apart."""
    return {
        "listen": f"127.0.0.1:{free_port()}",
        "upstream": up.url,
        "data_dir": tmp_path / "data",
        "model_dir": tmp_path / "models",
        "embedder": "none",
        "entity": "me",
    }


def settings(**given: object) -> Settings:
    return load(flags=given, env={})[0]


async def findings(**given: object) -> dict[str, Finding]:
    return {finding.name: finding for finding in await examine(settings(**given))}


async def test_all_is_well_but_the_token_ranks(healthy: dict[str, object]):
    found = await findings(**healthy)
    assert {name for name, finding in found.items() if finding.state != "ok"} == {"tokens"}
    assert {"auth", "listen", "data_dir", "store", "model", "tokens", "index", "upstream"} == set(found)


async def test_looking_makes_nothing(healthy: dict[str, object], tmp_path: Path):
    await findings(**healthy)
    assert os.listdir(tmp_path) == []


async def test_every_problem_comes_with_a_remedy(healthy: dict[str, object], tmp_path: Path):
    (tmp_path / "file").touch()
    found = await findings(**healthy | {"data_dir": tmp_path / "file", "embedder": "minilm", "index": "nosuch",
                                        "upstream": f"http://127.0.0.1:{free_port()}/v1", "entity": None})  # fmt: skip
    troubled = [finding for finding in found.values() if finding.state != "ok"]
    assert {finding.name for finding in troubled} >= {"auth", "data_dir", "model", "tokens", "index", "upstream"}
    assert all(finding.remedy for finding in troubled)


async def test_open_beyond_loopback_is_a_warning(healthy: dict[str, object]):
    found = await findings(**healthy | {"listen": f"0.0.0.0:{free_port()}", "auth": "open"})
    assert found["auth"].state == "warn"
    assert "keys" in found["auth"].remedy


async def test_open_without_an_entity_is_a_warning(healthy: dict[str, object]):
    found = await findings(**healthy | {"entity": None})
    assert found["auth"].state == "warn"
    assert "--entity me" in found["auth"].remedy


async def test_keys_without_the_providers_key_is_a_warning(healthy: dict[str, object]):
    found = await findings(**healthy | {"auth": "keys", "entity": None})
    assert found["auth"].state == "warn"
    assert "MEMPROXY_UPSTREAM_KEY" in found["auth"].remedy


async def test_keys_mode_without_any_key_is_a_warning_until_there_is_one(healthy: dict[str, object], tmp_path: Path):
    guarded = healthy | {"auth": "keys", "entity": None, "upstream_key": "sk-x"}
    (tmp_path / "data").mkdir()
    async with make_store(settings(**guarded)) as store:
        assert "keys create" in (await findings(**guarded))["keys"].remedy
        await store.create_key(ApiKey("k1", "acme", b"digest", created_at=datetime(2026, 5, 1, tzinfo=UTC)))
    assert "keys" not in await findings(**guarded)


async def test_an_admin_listener_beyond_loopback_without_a_key_is_a_warning(healthy: dict[str, object]):
    found = await findings(**healthy | {"admin_listen": f"0.0.0.0:{free_port()}"})
    assert found["admin"].state == "warn"


async def test_a_port_that_another_program_holds_is_bad(healthy: dict[str, object]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = await findings(**healthy | {"listen": f"127.0.0.1:{taken.getsockname()[1]}"})
    assert found["listen"].state == "bad"
    assert "--listen" in found["listen"].remedy


async def test_a_port_that_memproxy_holds_is_fine(healthy: dict[str, object], tmp_path: Path, up: ScriptedUpstream):
    async with ServiceProcess(folder=tmp_path / "other", upstream=up.url, embedder="none") as service:
        found = await findings(**healthy | {"listen": f"127.0.0.1:{service.port}"})
    assert (found["listen"].state, found["listen"].message) == (
        "ok", f"memproxy is running on 127.0.0.1:{service.port}"
    )  # fmt: skip


async def test_a_store_that_is_no_database_is_bad(healthy: dict[str, object], tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "memproxy.db").write_text("somebody's notes " * 1000)
    store = (await findings(**healthy))["store"]
    assert store.state == "bad"
    assert "not a database" in store.message


async def test_a_missing_model_is_a_warning_with_the_command_that_brings_it(healthy: dict[str, object]):
    model = (await findings(**healthy | {"embedder": "minilm"}))["model"]
    assert model.state == "warn"
    assert "memproxy model pull" in model.message


async def test_an_upstream_that_refuses_connections_is_bad(healthy: dict[str, object]):
    found = await findings(**healthy | {"upstream": f"http://127.0.0.1:{free_port()}/v1"})
    assert found["upstream"].state == "bad"
    assert "--upstream" in found["upstream"].remedy


@pytest.mark.parametrize(
    ("status", "key", "state"),
    [(401, None, "ok"), (401, "sk-wrong", "bad"), (403, "sk-wrong", "bad"), (404, None, "warn"), (500, None, "warn")],
)
async def test_what_the_upstream_answers_is_read_for_what_it_means(
    healthy: dict[str, object], up: ScriptedUpstream, status: int, key: str | None, state: str
):
    up.script = always(error(status, "no"))
    found = await findings(**healthy | {"upstream_key": key})
    assert found["upstream"].state == state
    assert key is None or key not in found["upstream"].as_line()
    assert up.last.header("authorization") == (f"Bearer {key}" if key else None)


async def test_a_missing_plug_in_is_bad(healthy: dict[str, object]):
    assert (await findings(**healthy | {"index": "nosuch"}))["index"].state == "bad"


def test_a_finding_reads_as_one_line_and_its_remedy():
    assert Finding("store", "ok", "opens").as_line() == "ok    store      opens"
    assert Finding("store", "bad", "gone", "bring it back").as_line().splitlines()[1].strip() == "→ bring it back"


def test_the_command_exits_with_1_where_something_is_bad(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "memproxy", "doctor", "--json", "--data-dir", tmp_path, "--model-dir", tmp_path,
         "--upstream", f"http://127.0.0.1:{free_port()}/v1", "--listen", f"127.0.0.1:{free_port()}"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert {"name", "state", "message", "remedy"} == set(json.loads(done.stdout)[0])
