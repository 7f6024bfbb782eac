"""Both clients, asked alike, before a service that answers what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from memproxy.client import AsyncMemproxyClient, MemproxyClient

from .scripted import Service, scripted_service


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with scripted_service() as running:
        yield running


class Asked:
    """One client under the name of its kind: `await ask.recall(...)` and `await ask.list(...)` work on both."""

    def __init__(self, client: MemproxyClient | AsyncMemproxyClient) -> None:
        self.client = client

    async def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """The reply; all items where it is a list, all pieces where it is a stream."""
        if isinstance(self.client, MemproxyClient):
            return await asyncio.to_thread(self._wait, method, args, kwargs)
        found = getattr(self.client, method)(*args, **kwargs)
        return [item async for item in found] if hasattr(found, "__aiter__") else await found

    def _wait(self, method: str, args: Any, kwargs: Any) -> Any:
        found = getattr(self.client, method)(*args, **kwargs)
        return found if isinstance(found, (dict, type(None))) or hasattr(found, "model_dump") else list(found)

    async def close(self) -> None:
        if isinstance(self.client, MemproxyClient):
            self.client.close()
        else:
            await self.client.close()


@pytest.fixture(params=[MemproxyClient, AsyncMemproxyClient])
def kind(request: pytest.FixtureRequest) -> type[MemproxyClient] | type[AsyncMemproxyClient]:
    return request.param


@pytest.fixture
async def ask(service: Service, kind: type[Any]) -> AsyncIterator[Asked]:
    asked = Asked(kind(url=service.url, key="mp_id_secret"))
    yield asked
    await asked.close()
