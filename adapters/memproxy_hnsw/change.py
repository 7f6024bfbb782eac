"""What a set of facts means for vectors: some are put under their number, some are taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memproxy.domain import Fact, FactState

Rows = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Change:
    numbers: NDArray[np.int64]
    """Those to put, each with its row of `rows`."""
    rows: Rows
    removed: frozenset[int]

    @property
    def size(self) -> int:
        return len(self.numbers) + len(self.removed)


def read(facts: Sequence[Fact], *, dimensions: int, model: str | None) -> Change:
    """Current facts embedded by `model` (None takes any) are put; all others are taken out."""
    last = {fact.number: fact for fact in facts}
    put = {number: fact.embedding for number, fact in last.items() if _fits(fact, dimensions, model)}
    rows = np.frombuffer(b"".join(embedding for embedding in put.values() if embedding), "<f2")
    return Change(
        numbers=np.fromiter(put, np.int64, len(put)),
        rows=rows.astype(np.float16, copy=False).reshape(len(put), dimensions),
        removed=frozenset(last.keys() - put.keys()),
    )


def _fits(fact: Fact, dimensions: int, model: str | None) -> bool:
    if fact.state is not FactState.CURRENT or fact.embedding is None:
        return False
    return model in (None, fact.model) and len(fact.embedding) == 2 * dimensions
