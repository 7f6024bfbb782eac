"""`memproxy keys`: made once, listed without their secrets, revoked."""

from __future__ import annotations

import json
from pathlib import Path

from memproxy.crypto import parse_credential

from .running import fails, memproxy


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
