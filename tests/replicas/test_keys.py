"""A key that is revoked through one replica is refused by all within `key_cache` seconds, and no sooner asked about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memproxy.auth import KeyRing
from memproxy.config import Settings
from memproxy.crypto import digest, new_credential
from memproxy.domain import ApiKey
from memproxy.errors import Unauthorized
from memproxy.parts import make_store
from memproxy.ports import Store
from memproxy.tasks import Tasks
from tests.conftest import STORES, new_store

KEY_CACHE = 10.0


@pytest.fixture(params=STORES)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[Store]]:
    """As each of two replicas has opened it."""
    settings = Settings(store=new_store(request, request.param, tmp_path), data_dir=tmp_path)
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(make_store(settings)) for _ in range(2)]


async def test_a_revoked_key_is_refused_everywhere_within_the_bound(stores: list[Store]) -> None:
    now = 0.0
    tasks = Tasks()
    rings = [
        KeyRing(keys=store, tasks=tasks, ttl=KEY_CACHE, grace=0, patience=30, clock=lambda: now) for store in stores
    ]
    credential = new_credential()
    await stores[0].create_key(ApiKey(credential.id, "acme", digest(credential), created_at=datetime.now(UTC)))
    for ring in rings:
        assert (await ring.find(credential)).tenant == "acme"
    await stores[1].revoke_key(credential.id, now=datetime.now(UTC))
    now = KEY_CACHE - 0.1
    for ring in rings:
        assert (await ring.find(credential)).tenant == "acme", "it is kept, not read for each request"
    now = KEY_CACHE
    for ring in rings:
        with pytest.raises(Unauthorized, match="revoked"):
            await ring.find(credential)
    await tasks.stop()
