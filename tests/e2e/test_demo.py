"""The demo, as a person without a terminal runs it: it ends well, and what it shows came over the wire."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import platformdirs
import psutil
import pytest

from memproxy.demo.standin import NOTED, NOTHING, recite, remembered
from memproxy.plugins import find
from memproxy.recall.render import FOOTER, HEADER
from memproxy.testing.exchange import Request

MODELS = Path(platformdirs.user_cache_dir("memproxy"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def played(folder: Path) -> subprocess.CompletedProcess[str]:
    if problems := find("models", "check")(MODELS):
        pytest.skip(f"the demo needs the model: {problems[0]}")
    env = {name: value for name, value in os.environ.items() if not name.startswith("MEMPROXY_")}
    return subprocess.run(
        [sys.executable, "-m", "memproxy", "demo"],
        env={**env, "COLUMNS": "80", "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_demo_succeeds_and_every_claim_is_checked(played: subprocess.CompletedProcess[str]):
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.count("✓") == 7
    assert "✗" not in played.stdout


def test_it_says_that_the_model_is_a_stand_in(played: subprocess.CompletedProcess[str]):
    assert "scripted stand-in" in played.stdout


def test_the_memory_block_is_marked_also_without_colours(played: subprocess.CompletedProcess[str]):
    assert "+ <memory>" in played.stdout
    assert "+ </memory>" in played.stdout


def test_it_fits_into_eighty_columns(played: subprocess.CompletedProcess[str]):
    assert max(map(len, played.stdout.splitlines())) <= 80


def test_it_leaves_no_files_and_no_process_behind(played: subprocess.CompletedProcess[str], folder: Path):
    assert list(folder.glob("memproxy-demo-*")) == []
    pids = re.findall(r"kill -9 (\d+)|as process (\d+)", played.stdout)
    assert len(pids) == 2
    for pid in (int(first or second) for first, second in pids):
        assert not psutil.pid_exists(pid)


def request(*texts: str) -> Request:
    body = {"messages": [{"role": "user", "content": text} for text in texts]}
    return Request("POST", "/v1/chat/completions", [], 0.0, bytearray(msgspec.json.encode(body)))


def test_the_stand_in_knows_only_what_stands_in_its_prompt():
    block = f"{HEADER}- (2026-05-01) user: I live in Porto\n{FOOTER}"
    assert recite(request(f"{block}Where?")) == "(stand-in) In my prompt I find: (2026-05-01) user: I live in Porto"
    assert recite(request("- I live in Porto\nWhere?")) == NOTHING
    assert recite(request("I live in Porto.")) == NOTED
    assert remembered("no block\n- a list") == []
