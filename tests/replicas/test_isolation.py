"""Nobody reads another's memory over two replicas either: the random walks of the end-to-end tests, on each kind of
store, each call to one of the two. ISOLATION_EXAMPLES makes it longer, ISOLATION_SEED another one, ISOLATION_STORES
names other stores (`all`, or some of them)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import STORES, new_store
from tests.e2e.tenancy import world
from tests.e2e.test_isolation import wander

EXAMPLES = int(os.environ.get("ISOLATION_EXAMPLES", "1"))
NAMED = os.environ.get("ISOLATION_STORES", "mongodb")


@pytest.mark.parametrize("kind", STORES if NAMED == "all" else NAMED.split(","))
def test_nobody_ever_sees_what_another_told_another_replica(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    with world(tmp_path, store=new_store(request, kind, tmp_path), count=2) as running:
        count = wander(running, EXAMPLES)
    assert count["audited"] >= 4 * EXAMPLES
