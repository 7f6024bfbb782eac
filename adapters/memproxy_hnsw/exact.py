"""The vectors of a small entity: every one is compared (`BFIndex`, 0.2 ms for 8 000).

The float16 rows are kept beside the index, half its size again: hnswlib gives none back, and they are needed to grow
and to become a graph. Labels are slots that are never used twice, because `BFIndex` keeps a stale entry for a label
that was deleted last, and loses it when it comes back.
"""

from __future__ import annotations

import hnswlib
import numpy as np
from numpy.typing import NDArray

from memproxy.ports import Vector
from memproxy_hnsw.change import Change, Rows
from memproxy_hnsw.turnstile import Turnstile

_SMALLEST = 16
_QUICK = 2_000
"""Vectors that are copied in under a millisecond."""


class Exact:
    def __init__(self, dimensions: int) -> None:
        self.turnstile = Turnstile()
        self._dimensions = dimensions
        self._slot_of: dict[int, int] = {}
        self._next_slot = 0
        self._allocate(_SMALLEST)

    def __len__(self) -> int:
        return len(self._slot_of)

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self._numbers) * (6 * self._dimensions + 16) + 150 * len(self)

    def is_quick(self, change: Change) -> bool:
        """Whether `apply` takes under a millisecond or so."""
        return change.size <= 200 and (len(self) <= _QUICK or self._has_room(change))

    def apply(self, change: Change) -> None:
        with self.turnstile:
            self._remove(change.removed)
            if not self._has_room(change):
                self._grow(len(change.numbers))
            self._remove(self._slot_of.keys() & set(change.numbers.tolist()))
            self._append(change.numbers, change.rows)

    def search(self, vector: Vector, limit: int) -> list[tuple[int, float]]:
        with self.turnstile:
            count = min(limit, len(self))
            if count < 1:
                return []
            slots, distances = self._index.knn_query(vector, k=count, num_threads=1)
            return list(zip(self._numbers.take(slots[0]).tolist(), (1 - distances[0]).tolist(), strict=True))

    def content(self) -> tuple[NDArray[np.int64], Rows]:
        """A copy of all numbers and their rows."""
        with self.turnstile:
            slots = np.fromiter(self._slot_of.values(), np.int64, len(self))
            return self._numbers[slots], self._rows[slots]

    def _has_room(self, change: Change) -> bool:
        return self._next_slot + len(change.numbers) <= len(self._numbers)

    def _allocate(self, capacity: int) -> None:
        self._numbers = np.empty(capacity, np.int64)
        self._rows = np.empty((capacity, self._dimensions), np.float16)
        self._index = hnswlib.BFIndex("ip", self._dimensions)
        self._index.init_index(capacity)

    def _grow(self, more: int) -> None:
        slots = np.fromiter(self._slot_of.values(), np.int64, len(self))
        numbers, rows = self._numbers[slots], self._rows[slots]
        self._allocate(max(_SMALLEST, (len(numbers) + more) * 3 // 2))
        self._slot_of, self._next_slot = {}, 0
        self._append(numbers, rows)

    def _append(self, numbers: NDArray[np.int64], rows: Rows) -> None:
        if not len(numbers):
            return
        slots = np.arange(self._next_slot, self._next_slot + len(numbers))
        self._numbers[slots], self._rows[slots] = numbers, rows
        self._index.add_items(rows.astype(np.float32), slots)
        self._slot_of |= zip(numbers.tolist(), slots.tolist(), strict=True)
        self._next_slot += len(numbers)

    def _remove(self, numbers: set[int] | frozenset[int]) -> None:
        for number in numbers:
            if (slot := self._slot_of.pop(number, None)) is not None:
                self._index.delete_vector(slot)
