"""`memproxy migrate`: what is missing is said before it is applied, and only looking changes nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from memproxy.testing.service import free_port

from .running import inside, memproxy, refused

OLD = Path(__file__).parents[1] / "adapters/data/sqlite_0001.sql"


def database(folder: Path, script: str) -> Path:
    file = folder / "memproxy.db"
    conn = sqlite3.connect(file)
    conn.executescript(script)
    conn.close()
    return file


def test_only_looking_makes_and_changes_nothing(tmp_path: Path):
    for flag, status in (("--check", 1), ("--show", 0)):
        done = inside("migrate", flag, "--data-dir", tmp_path / "new")
        assert done.returncode == status
        assert "0001" in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
    file = database(tmp_path, OLD.read_text())
    before = file.read_bytes()
    assert inside("migrate", "--show", "--data-dir", tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["memproxy.db"]
    assert file.read_bytes() == before


def test_an_older_database_is_brought_up_to_date(tmp_path: Path):
    database(tmp_path, OLD.read_text())
    missing = refused(1, inside("migrate", "--check", "--data-dir", tmp_path))
    assert missing.startswith("missing: 0002; `memproxy migrate`")
    told = json.loads(inside("migrate", "--check", "--json", "--data-dir", tmp_path).stdout)
    assert (told["version"], told["missing"], [one["applied"] for one in told["versions"]]) == (
        "0001", ["0002"], [True, False],
    )  # fmt: skip
    applied = memproxy("migrate", "--data-dir", tmp_path)
    assert (applied.returncode, applied.stdout) == (0, "")
    assert applied.stderr.startswith("applying 0002: ")
    assert applied.stderr.endswith("\nup to date: 0002\n")
    again = inside("migrate", "--json", "--data-dir", tmp_path)
    assert (json.loads(again.stdout)["missing"], json.loads(again.stdout)["applied"]) == ([], [])
    up_to_date = inside("migrate", "--check", "--data-dir", tmp_path)
    assert (up_to_date.returncode, up_to_date.stderr) == (0, "up to date: 0002\n")


def test_a_newer_database_one_of_another_program_and_one_that_is_away_are_told_apart(tmp_path: Path):
    away = f"postgresql://me:pass-word@127.0.0.1:{free_port()}/memories"
    told = refused(2, inside("migrate", "--check", "--store", away))
    assert "cannot be reached" in told
    assert "pass-word" not in told
    file = database(tmp_path, OLD.read_text() + "; UPDATE alembic_version SET version_num = '0999'")
    assert "schema 0999, which is newer" in refused(2, inside("migrate", "--check", "--data-dir", tmp_path))
    file.unlink()
    database(tmp_path, "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('ab12')")
    assert "a database of another program" in refused(2, inside("migrate", "--check", "--data-dir", tmp_path))


def test_everything_is_moved_and_counted(tmp_path: Path):
    key = inside("keys", "create", "--tenant", "acme", "--data-dir", tmp_path / "here").stdout.strip()
    there = f"sqlite:///{tmp_path}/there/memproxy.db"
    moved = memproxy("migrate", "--to", there, "--data-dir", tmp_path / "here")
    assert moved.returncode == 0, moved.stderr
    assert [line.split() for line in moved.stdout.splitlines()][:4] == [
        ["source", "target"], ["tenants", "1", "1"], ["keys", "1", "1"], ["entities", "0", "0"],
    ]  # fmt: skip
    assert "row by row the same" in moved.stderr
    assert inside("keys", "revoke", key, "--store", there).returncode == 0
    again = inside("migrate", "--json", "--data-dir", tmp_path / "here", MEMPROXY_TO=there)
    told = json.loads(again.stdout)
    assert (again.returncode, told["counts"]["keys"]) == (1, {"source": 1, "target": 1})
    assert told["difference"] == again.stderr.partition("not the same: ")[2].strip()
    assert "keys: " in told["difference"]


def test_what_cannot_be_moved_is_told_before_anything_is(tmp_path: Path):
    here, there = tmp_path / "here", f"sqlite:///{tmp_path}/there/memproxy.db"
    move = ("migrate", "--data-dir", here, "--to")
    assert "There is nothing to move" in refused(2, inside(*move, there))
    assert not (tmp_path / "there").exists()
    here.mkdir()
    database(here, OLD.read_text())
    inside("keys", "create", "--tenant", "acme", "--store", there)
    assert "is the one that it is in" in refused(2, inside(*move, f"sqlite:///{here}/memproxy.db"))
    assert "The target holds the key" in refused(2, inside(*move, there))
    away = f"postgresql://me:pass-word@127.0.0.1:{free_port()}/memories"
    told = refused(1, inside(*move, away))
    assert "the target: The database" in told
    assert "pass-word" not in told
