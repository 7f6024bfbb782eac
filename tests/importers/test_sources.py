"""Exports are read from where they lie: file, archive, folder, pipe."""

from __future__ import annotations

import os
import threading
import zipfile
from pathlib import Path

import pytest

from memproxy.errors import BadRequest
from memproxy.importers.sources import mapped, parts


def read(path: Path) -> list[bytes]:
    return [bytes(mapped(file)[:]) for file in parts(path)]


def archive(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in members.items():
            made.writestr(name.replace("__", "/") + ".json", text)
    return path


def test_a_file_is_read_as_it_is(tmp_path: Path):
    file = tmp_path / "any.json"
    file.write_text("[1]")
    assert read(file) == [b"[1]"]


def test_an_archive_gives_its_conversations_and_nothing_else(tmp_path: Path):
    made = archive(tmp_path / "export.zip", user="{}", conversations="[1]", shared_conversations="[2]")
    assert read(made) == [b"[1]"]


def test_numbered_parts_come_in_order(tmp_path: Path):
    members = {"export__conversations-001": "[2]", "export__conversations-000": "[1]"}
    assert read(archive(tmp_path / "export.zip", **members)) == [b"[1]", b"[2]"]


def test_the_folder_of_an_archive_is_read_too(tmp_path: Path):
    for name in ("conversations-000.json", "conversations-001.json", "user.json"):
        (tmp_path / name).write_text(name)
    assert read(tmp_path) == [b"conversations-000.json", b"conversations-001.json"]


def test_a_pipe_is_read_to_its_end(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"[1]",))
    writer.start()
    assert read(pipe) == [b"[1]"]
    writer.join()


def test_an_empty_file_is_empty(tmp_path: Path):
    (tmp_path / "empty").touch()
    assert read(tmp_path / "empty") == [b""]


def test_what_cannot_be_read_is_named(tmp_path: Path):
    torn = archive(tmp_path / "torn.zip", conversations="[1]" * 99)
    torn.write_bytes(torn.read_bytes().replace(b"conversations.json", b"conversations.jsoX", 1))
    for path in (tmp_path / "nowhere", tmp_path, archive(tmp_path / "other.zip", user="{}"), torn):
        with pytest.raises(BadRequest, match=str(path)):
            read(path)
