"""Embedders that stand before a model, or where one should be."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from types import TracebackType
from typing import Literal, Self

from memproxy.errors import ModelUnavailable
from memproxy.metrics import Metrics
from memproxy.ports import Caching, Embedder, Vector

# Without a model nothing is ever put into the index, whatever its dimensions.
NO_DIMENSIONS = 1


class Measured:
    """An embedder whose calls are timed."""

    def __init__(self, *, inner: Embedder, metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def dimensions(self) -> int:
        return self._inner.dimensions

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "passage"]) -> Vector:
        start = perf_counter()
        vectors = await self._inner.embed(texts, purpose=purpose)
        self._metrics.embed_time.labels(purpose).observe(perf_counter() - start)
        return vectors

    def let_go(self) -> None:
        if isinstance(self._inner, Caching):
            self._inner.let_go()


class Absent:
    """Stands where a model should be: recall goes on by words alone and says so with each request."""

    name = "absent"
    dimensions = NO_DIMENSIONS

    def __init__(self, *, reason: ModelUnavailable) -> None:
        self._reason = reason

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "passage"]) -> Vector:
        raise ModelUnavailable(str(self._reason)) from self._reason
