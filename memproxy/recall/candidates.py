"""The facts worth ranking: the nearest by meaning and the best by words, as far as the question allows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from memproxy.recall.days import Span
from memproxy.recall.entity_memory import EntityMemory, Table
from memproxy.recall.lexical import Matches, Rows, Scores

DENSE = 256
"""Vectors asked for. On LoCoMo 64 cost 1 point of R@512t against all vectors, 256 none."""
LEXICAL = 256
FAR = np.float32(0)
"""Cosine of a fact without a vector, where the search did not tell how far the rest are."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What may be recalled at all. `kinds` and `process` are codes of the entity's memory, None for all."""

    at: float
    """Seconds since 1970: facts said later or ended before are left out."""
    kinds: tuple[int, ...] | None = None
    process: int | None = None

    @property
    def narrow(self) -> bool:
        return self.kinds is not None or self.process is not None

    def admits(self, table: Table) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        allowed = table["alive"] & (table["said"] <= self.at) & (table["ends"] > self.at)
        if self.kinds is not None:
            allowed &= np.isin(table["kind"], self.kinds)
        if self.process is not None:
            allowed &= table["process"] == self.process
        return allowed


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows to rank, with what the searches say of each."""

    rows: Rows
    facts: Table
    cosine: Scores
    around: Scores
    """Mean cosine of the fact and its neighbours in the conversation."""
    own: Scores
    near: Scores
    spoken: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    """Days that facts name in words, by place; only where the question asks for days."""


def gather(
    memory: EntityMemory, found: Sequence[tuple[int, float]], matches: Matches, only: Filter, *, dated: bool = False
) -> Candidates:
    """`dated`: the question asks for days."""
    places, gaps = memory.places()
    dense, cosines = _located(memory, found)
    line = np.where(gaps, np.float32(np.nan), cosines[-1] if len(cosines) else FAR)
    line[places[dense]] = cosines
    rows = _merged(dense, _best(matches.near + 0.3 * matches.own), len(places))
    facts = memory.table.take(rows)  # a tenth of what indexing takes, for rows of many columns
    allowed = only.admits(facts)
    if not allowed.all():
        rows, facts = rows[allowed], facts.compress(allowed)
    at = places[rows]
    spoken = memory.spoken_of(rows) if dated else {}
    return Candidates(rows, facts, line[at], _around(line, at), matches.own[rows], matches.near[rows], spoken)


def _located(memory: EntityMemory, found: Sequence[tuple[int, float]]) -> tuple[Rows, Scores]:
    """Rows and cosines of found fact numbers. One that the index holds and we do not is newer than what we loaded."""
    numbers, cosines = zip(*found, strict=True) if found else ((), ())
    try:
        rows = np.fromiter(map(memory.rows.__getitem__, numbers), np.int64, len(numbers))
    except KeyError:
        return _located(memory, [pair for pair in found if pair[0] in memory.rows])
    return rows, np.fromiter(cosines, np.float32, len(cosines))


def _around(line: Scores, at: Rows) -> Scores:
    """A fact at the edge of its conversation stands in for the neighbour it lacks."""
    here, before, after = line[at], line[at - 1], line[at + 1]
    total = here + np.where(np.isnan(before), here, before) + np.where(np.isnan(after), here, after)
    return np.asarray(total / 3, np.float32)


def _best(scores: Scores) -> Rows:
    rows = np.flatnonzero(scores)
    if len(rows) <= LEXICAL:
        return rows
    return rows[np.argpartition(scores[rows], -LEXICAL)[-LEXICAL:]]


def _merged(some: Rows, others: Rows, total: int) -> Rows:
    """The union, in the order of rows."""
    chosen = np.zeros(total, np.bool_)
    chosen[some] = True
    chosen[others] = True
    return np.flatnonzero(chosen)
