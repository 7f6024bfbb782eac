"""`memproxy serve`: a setting that cannot work is named before anything starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from .running import fails


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
