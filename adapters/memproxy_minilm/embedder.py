"""The `Embedder`: one lane for questions, one of lower priority for passages, and a cache for what is asked again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import numpy as np

from memproxy.errors import ModelUnavailable
from memproxy.ports import Vector
from memproxy_minilm.folder import folder_of, read_config
from memproxy_minilm.lane import Lane
from memproxy_minilm.model import Model

QUERIES_AT_ONCE = 8
"""A batch of eight costs a tenth less per question than eight alone; more only makes the first wait for the last."""

BATCH_CHARACTERS = 2_000
"""Some 500 tokens: what bounds the memory of a run, and how long a question waits for the batch before it."""

PASSAGE_NICENESS = 10
"""Background work gets a tenth of a core that questions also want, and all of one that nobody wants."""

CACHE_SIZE = 2_048
"""Questions whose vectors are kept: 3 MB."""


class Encoder(Protocol):
    """A loaded model, called on threads."""

    @property
    def dimensions(self) -> int: ...

    def encode_queries(self, texts: Sequence[str]) -> Vector: ...

    def encode_passages(self, texts: Sequence[str]) -> Vector: ...


def open_embedder(*, model_dir: Path, name: str | None = None, **options: object) -> MiniLM:
    """The embedder for a compiled model in `model_dir`: the default one, or the one that `model compile NAME` made.

    Options: `cache_size`, the number of questions whose vectors are kept."""
    size = options.get("cache_size")
    return MiniLM(folder=folder_of(model_dir, name), cache_size=size if isinstance(size, int) else CACHE_SIZE)


class TwoLanes:
    """An embedder over any `Encoder`. `load` runs on a thread when it is opened; its errors are the opener's."""

    def __init__(self, *, name: str, load: Callable[[], Encoder], cache_size: int = CACHE_SIZE) -> None:
        self._name = name
        self._load = load
        self._cache: OrderedDict[str, Vector] = OrderedDict()
        self._cache_size = cache_size
        self._emptied = 0
        """How often the cache was let go of."""
        self._encoder: Encoder | None = None
        self._queries: Lane | None = None
        self._passages: Lane | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        """Raises `ModelUnavailable` before it is opened."""
        if self._encoder is None:
            raise ModelUnavailable(f"the model {self.name} is not open")
        return self._encoder.dimensions

    async def __aenter__(self) -> Self:
        self._encoder = encoder = await asyncio.to_thread(self._load)
        self._queries = Lane(encoder.encode_queries, name="embed-query", most=QUERIES_AT_ONCE, budget=BATCH_CHARACTERS)
        self._passages = Lane(
            encoder.encode_passages, name="embed-passage", most=64, budget=BATCH_CHARACTERS, niceness=PASSAGE_NICENESS
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lanes = [lane for lane in (self._queries, self._passages) if lane is not None]
        self._queries = self._passages = self._encoder = None
        for lane in lanes:
            await lane.close()

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "passage"]) -> Vector:
        if self._queries is None or self._passages is None:
            raise ModelUnavailable(f"the model {self.name} is not open")
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        return await (self._passages.embed(texts) if purpose == "passage" else self._cached(texts, self._queries))

    def let_go(self) -> None:
        self._cache.clear()
        self._emptied += 1

    async def _cached(self, texts: Sequence[str], lane: Lane) -> Vector:
        emptied = self._emptied
        rows = {text: self._cache[text] for text in texts if text in self._cache}
        if missing := [text for text in dict.fromkeys(texts) if text not in rows]:
            rows |= zip(missing, await lane.embed(missing), strict=True)
        if emptied == self._emptied:  # else one of these may be what was to be let go of
            self._keep({text: rows[text] for text in texts})
        return np.stack([rows[text] for text in texts])

    def _keep(self, rows: Mapping[str, Vector]) -> None:
        for text, row in rows.items():
            self._cache[text] = row
            self._cache.move_to_end(text)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)


class MiniLM(TwoLanes):
    """A compiled model folder. Opens in 0.1 s; `ModelUnavailable` where the folder holds no usable model."""

    def __init__(self, *, folder: Path, cache_size: int = CACHE_SIZE) -> None:
        super().__init__(name=folder.name, load=lambda: Model.load(folder), cache_size=cache_size)
        self._folder = folder

    @property
    def dimensions(self) -> int:
        """Known before it is opened."""
        return (self._encoder or read_config(self._folder)).dimensions
