"""An `Embedder` without a model, for tests: words and letter groups hashed to signs, so that texts which share words
are near each other. The same text gives the same vector in every process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from types import TracebackType
from typing import Literal, Self

import numpy as np

from memproxy.ports import Vector

_WORD = re.compile(r"\w+")
_LETTER_GROUP_WEIGHT = 0.3  # letters only lean: "cats" is near "cat", but a shared word counts for more


class HashEmbedder:
    """`asked` keeps what was embedded, in order; `error`, where set, is raised instead: a model that fails."""

    def __init__(self, *, dimensions: int = 384, name: str = "hash") -> None:
        self._dimensions = dimensions
        self._name = name
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.error: Exception | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._dimensions

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "passage"]) -> Vector:
        self.asked.append((purpose, tuple(texts)))
        if self.error is not None:
            raise self.error
        rows = [self._vector(text) for text in texts]
        return np.stack(rows) if rows else np.empty((0, self._dimensions), np.float32)

    def _vector(self, text: str) -> Vector:
        vector = np.zeros(self._dimensions, np.float32)
        vector[0] = 1e-6  # a text without words has a direction too
        for feature, weight in _features(text):
            digest = int.from_bytes(blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
            vector[(digest >> 1) % self._dimensions] += weight if digest & 1 else -weight
        unit: Vector = vector / np.linalg.norm(vector)
        return unit


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in _WORD.findall(text.casefold()):
        yield word, 1.0
        yield from ((word[i : i + 3], _LETTER_GROUP_WEIGHT) for i in range(len(word) - 2))
        if not word.isascii():  # scripts without spaces: neighbouring letters stand in for words
            yield from ((word[i : i + 2], 1.0) for i in range(len(word) - 1))
