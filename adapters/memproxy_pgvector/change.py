"""What a set of facts means for the rows of an entity: some are put under their number, some are taken out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memproxy.domain import Fact, FactState

_SLICE = 2_000
"""Rows of one COPY: a millisecond or two of making them, a tenth of a second of taking them in."""
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Change:
    put: Mapping[int, bytes]
    """Embeddings by number; a row that is there under the number goes first."""
    removed: frozenset[int]


def of(
    facts: Sequence[Fact], *, dimensions: int, model: str, version: int = 0, held: Collection[int] | None = None
) -> Change:
    """What brings rows that stand at `version` to where `facts` are. With `held`, the numbers that have a row, `facts`
    are all that the entity has: rows of others go, and those that are missing come."""
    fitting = {fact.number: fact.embedding for fact in facts if fact.embedding and _fits(fact, dimensions, model)}
    changed = {fact.number for fact in facts if not 0 < fact.version <= version}
    if held is None:
        return Change(_only(fitting, changed), frozenset(changed - fitting.keys()))
    return Change(_only(fitting, changed | (fitting.keys() - held)), frozenset(set(held) - fitting.keys()))


def _only(fitting: Mapping[int, bytes], numbers: set[int]) -> dict[int, bytes]:
    return {number: embedding for number, embedding in fitting.items() if number in numbers}


def _fits(fact: Fact, dimensions: int, model: str) -> bool:
    same = fact.state is FactState.CURRENT and fact.model == model
    return same and fact.embedding is not None and len(fact.embedding) == 2 * dimensions


def copies(feed: int, put: Mapping[int, bytes], dimensions: int) -> Iterator[tuple[int, bytes]]:
    """The rows in slices: how many, and as `COPY … WITH (FORMAT binary)` takes them. A vector that is none, of
    infinities, is left out: the database would refuse it, and all others with it."""
    numbers = list(put)
    row = np.dtype(
        [
            ("fields", ">i2"),
            *(("feed_size", ">i4"), ("feed", ">i8")),
            *(("number_size", ">i4"), ("number", ">i8")),
            *(("size", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"), ("vector", ">f2", (dimensions,))),
        ]
    )
    for start in range(0, len(numbers), _SLICE):
        some = numbers[start : start + _SLICE]
        vectors = np.frombuffer(b"".join(put[number] for number in some), "<f2").reshape(len(some), dimensions)
        sound = np.isfinite(vectors).all(axis=1)
        rows = np.zeros(np.count_nonzero(sound), row)
        rows["fields"], rows["feed_size"], rows["number_size"], rows["size"] = 3, 8, 8, 4 + 2 * dimensions
        rows["feed"], rows["number"] = feed, np.array(some, np.int64)[sound]
        rows["dimensions"], rows["vector"] = dimensions, vectors[sound]
        yield len(rows), _HEADER + rows.tobytes() + _TRAILER
