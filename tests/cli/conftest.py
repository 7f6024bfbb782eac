"""A service that answers what the test says, for commands that have to cope with its moods."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.client.scripted import Service, scripted_service


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with scripted_service() as running:
        yield running
