"""The command line: each command explains itself, succeeds quietly, and fails with one line that says what to do."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from memproxy.cli import main
from memproxy.crypto import parse_credential

COMMANDS = [
    (), ("serve",), ("demo",), ("doctor",), ("keys",), ("keys", "create"), ("keys", "list"), ("keys", "revoke"),
    ("model",), ("model", "pull"), ("model", "compile"),
]  # fmt: skip


def memproxy(*args: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEMPROXY_")}
    return subprocess.run(
        [sys.executable, "-m", "memproxy", *map(str, args)],
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def fails(status: int, *args: str | Path, **env: str) -> str:
    """The one line on standard error of a command that fails with this status."""
    done = memproxy(*args, **env)
    assert done.returncode == status, done
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert "Traceback" not in done.stderr
    return lines[-1]


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


def test_the_list_of_commands_here_is_complete():
    assert set(commands(main)) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: " ".join(path) or "memproxy")
def test_the_help_of_each_command_shows_an_example(command: tuple[str, ...]):
    context = click.Context(main)
    found: click.Command = main
    for name in command:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    example = " ".join(("memproxy", *command))
    assert re.search(rf"^ +{example}( |$)", found.get_help(context), re.MULTILINE), found.get_help(context)


def test_help_and_version_answer_from_the_command_line():
    assert "memproxy serve --upstream" in memproxy("--help").stdout
    assert re.fullmatch(r"memproxy, version \d+\.\d+\S*\n", memproxy("--version").stdout)


def test_keys_create_prints_the_key_and_nothing_else(tmp_path: Path):
    made = memproxy("keys", "create", "--tenant", "acme", "--entity", "alice", "--data-dir", tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    key = parse_credential(made.stdout.removesuffix("\n"))
    assert key is not None
    listed = memproxy("keys", "list", "--json", "--data-dir", tmp_path)
    assert [(row["id"], row["tenant"], row["entity"]) for row in json.loads(listed.stdout)] == [
        (key.id, "acme", "alice")
    ]
    assert made.stdout.strip() not in listed.stdout


def test_a_revoked_key_is_listed_as_revoked(tmp_path: Path):
    key = memproxy("keys", "create", "--tenant", "acme", "--data-dir", tmp_path).stdout.strip()
    revoked = memproxy("keys", "revoke", key, "--data-dir", tmp_path)
    assert (revoked.returncode, revoked.stdout) == (0, "")
    assert "revoked 2" in memproxy("keys", "list", "--data-dir", tmp_path).stdout


def test_revoking_a_key_that_is_not_there_fails(tmp_path: Path):
    assert "memproxy: " in fails(1, "keys", "revoke", "nokey", "--data-dir", tmp_path)


def test_a_tenant_with_odd_characters_is_refused_by_the_flag_that_named_it(tmp_path: Path):
    assert "--tenant must be 1-128 characters" in fails(
        1, "keys", "create", "--tenant", "not valid", "--data-dir", tmp_path
    )


def test_an_unknown_flag_is_named():
    assert "--token-bugdet" in fails(2, "serve", "--token-bugdet", "1")


def test_an_unknown_setting_in_the_file_is_named_with_the_likely_one(tmp_path: Path):
    file = tmp_path / "memproxy.toml"
    file.write_text("token_bugdet = 1\n")
    assert "did you mean 'token_budget'" in fails(2, "serve", "--config", file)


@pytest.mark.parametrize(
    ("args", "env", "named"),
    [
        (("--token-budget", "many"), {}, "--token-budget"),
        ((), {"MEMPROXY_TOKEN_BUDGET": "many"}, "MEMPROXY_TOKEN_BUDGET"),
        (("--upstream", "api.openai.com"), {}, "--upstream"),
        (("--admin-key", "short"), {}, "--admin-key"),
        (("--config", "/nowhere/memproxy.toml"), {}, "/nowhere/memproxy.toml"),
        (("--index", "nosuch"), {}, "nosuch"),
        (("--store", "oracle://db"), {}, "oracle"),
    ],
)
def test_a_setting_that_cannot_work_is_named_in_one_line(
    tmp_path: Path, args: tuple[str, ...], env: dict[str, str], named: str
):
    assert named in fails(2, "serve", "--data-dir", tmp_path, "--model-dir", tmp_path, *args, **env)


def test_a_port_in_use_is_said_with_the_flag_that_chooses_another(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = fails(2, "serve", "--listen", address, "--data-dir", tmp_path, "--model-dir", tmp_path)
    assert said.startswith(f"memproxy: listen: {address} is in use")
    assert "--listen" in said


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("in the way")
    assert f"data_dir: {file}" in fails(2, "serve", "--data-dir", file)
    assert f"data_dir: {file}" in fails(2, "keys", "list", "--data-dir", file)


def test_a_store_that_is_not_a_database_is_named_and_left_alone(tmp_path: Path):
    file = tmp_path / "memproxy.db"
    file.write_text("these are somebody's notes, not a database " * 100)
    said = fails(2, "serve", "--data-dir", tmp_path, "--model-dir", tmp_path)
    assert str(file) in said
    assert "not a database" in said
    assert file.read_text().startswith("these are")


def test_a_model_that_cannot_be_fetched_says_how_to_bring_it(tmp_path: Path):
    empty = tmp_path / "wheels"
    empty.mkdir()
    said = fails(1, "model", "pull", "--model-dir", tmp_path / "m", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(empty))
    assert "PIP_FIND_LINKS" in said
