"""The vectors of a large entity: an HNSW graph, searched in a fraction of the time that comparing all would take.

Deletions only mark; once more is marked than alive, the graph is drawn anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import hnswlib
import numpy as np
from numpy.typing import NDArray

from memproxy.ports import Vector
from memproxy_hnsw.change import Change
from memproxy_hnsw.turnstile import Turnstile

_LINKS = 16
_BUILD_WIDTH = 200
_SEARCH_WIDTH = 200
"""Candidates kept while searching; the answer is approximate, and wider is better and slower."""
_SLICE = 16
"""Insertions between two chances for a search: some 6 ms."""


class Graph:
    def __init__(self, dimensions: int, index: hnswlib.Index | None = None, live: Iterable[int] = ()) -> None:
        self.turnstile = Turnstile()
        self._writing = threading.Lock()  # keeps changes apart from a save, during which searches go on
        self._dimensions = dimensions
        self._live = set(live)
        self._index = index if index is not None else _new(dimensions, 1024)

    @classmethod
    def load(cls, path: Path, dimensions: int, dead: Iterable[int]) -> Graph:
        """From a file that `save` wrote and that was verified: hnswlib trusts what it reads."""
        index = hnswlib.Index("ip", dimensions)
        index.load_index(str(path))
        return cls(dimensions, index, set(index.get_ids_list()) - set(dead))

    def __len__(self) -> int:
        return len(self._live)

    @property
    def size(self) -> int:
        """Bytes held."""
        return int(self._index.get_max_elements()) * (4 * self._dimensions + 8 * _LINKS + 60) + 100 * len(self)

    def is_quick(self, change: Change) -> bool:
        return False

    def apply(self, change: Change) -> None:
        self._remove(change.removed)
        self._put(change.numbers, change.rows.astype(np.float32))
        if int(self._index.get_current_count()) > 2 * len(self._live) + _SLICE:
            self._redraw()

    def search(self, vector: Vector, limit: int) -> list[tuple[int, float]]:
        with self.turnstile:
            count = min(limit, len(self._live))
            self._index.set_ef(max(_SEARCH_WIDTH, 2 * count))
            while count > 0:
                try:
                    numbers, distances = self._index.knn_query(vector, k=count, num_threads=1)
                except RuntimeError:  # fewer than asked could be reached
                    count //= 2
                    continue
                return list(zip(numbers[0].tolist(), (1 - distances[0]).tolist(), strict=True))
            return []

    def save(self, path: Path) -> list[int]:
        """Write the graph and return the `dead` that `load` will need."""
        with self._writing:
            self._index.save_index(str(path))
            return sorted(set(self._index.get_ids_list()) - self._live)

    def _remove(self, numbers: frozenset[int]) -> None:
        with self._writing, self.turnstile:
            for number in numbers & self._live:
                self._index.mark_deleted(number)
                self._live.discard(number)

    def _put(self, numbers: NDArray[np.int64], rows: Vector) -> None:
        for start in range(0, len(numbers), _SLICE):
            some = numbers[start : start + _SLICE]
            with self._writing, self.turnstile:
                self._make_room(len(some))
                self._index.add_items(rows[start : start + _SLICE], some, num_threads=1)
                self._live.update(some.tolist())

    def _make_room(self, more: int) -> None:
        needed = int(self._index.get_current_count()) + more
        if needed > self._index.get_max_elements():
            self._index.resize_index(needed + needed // 4)

    def _redraw(self) -> None:
        with self._writing:
            fresh = Graph(self._dimensions)
            if numbers := sorted(self._live):
                with self.turnstile:
                    rows = np.asarray(self._index.get_items(numbers), np.float32)
                fresh._put(np.array(numbers), rows)
            with self.turnstile:
                self._index = fresh._index


def _new(dimensions: int, capacity: int) -> hnswlib.Index:
    index = hnswlib.Index("ip", dimensions)
    index.init_index(capacity, M=_LINKS, ef_construction=_BUILD_WIDTH, random_seed=1)
    return index
