"""The facts worth ranking: the nearest by meaning and the best by words, as far as the question allows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from memproxy.recall.days import Span
from memproxy.recall.entity_memory import EntityMemory, Table
from memproxy.recall.lexical import Matches, Rows, Scores
from memproxy.recall.question import Question
from memproxy.recall.words import terms

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
    past: bool = False
    """Outdated facts are asked for."""

    @property
    def narrow(self) -> bool:
        return self.kinds is not None or self.process is not None

    def admits(self, table: Table) -> NDArray[np.bool_]:
        # What was superseded since the time asked about held then.
        open_, held_then = table["ends"] > self.at, np.isfinite(table["ends"])
        true = (table["alive"] & open_) | (table["closed"] & (self.past | (open_ & held_then)))
        allowed = true & (table["said"] <= self.at)
        if self.kinds is not None:
            allowed &= np.isin(table["kind"], self.kinds)
        if self.process is not None:
            allowed &= table["process"] == self.process
        return np.asarray(allowed, np.bool_)


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
    memory: EntityMemory,
    found: Sequence[tuple[int, float]],
    matches: Matches,
    only: Filter,
    asked: Question | None = None,
) -> Candidates:
    """Also what is pinned, and where `only` admits them outdated facts, in the light of those that replaced them."""
    places, gaps = memory.places()
    dense, cosines = _located(memory, found)
    line = np.where(gaps, np.float32(np.nan), cosines[-1] if len(cosines) else FAR)
    line[places[dense]] = cosines
    closed = memory.succession.closed
    rows = _merged((dense, _best(matches.near + 0.3 * matches.own), list(memory.pinned), list(closed)), len(places))
    facts = memory.table.take(rows)  # a tenth of what indexing takes, for rows of many columns
    allowed = only.admits(facts)
    if not allowed.all():
        rows, facts = rows[allowed], facts.compress(allowed)
    light = _in_the_light_of(memory, rows, facts) if closed else rows
    at = places[light]
    own = matches.own[light]
    if asked is not None and facts["closed"].any():
        _read(memory, rows, facts, asked, own)
    spoken = memory.spoken_of(rows) if asked is not None and asked.days else {}
    cosine, around = np.nan_to_num(line[at], nan=float(FAR)), np.nan_to_num(_around(line, at), nan=float(FAR))
    return Candidates(rows, facts, cosine, around, own, matches.near[light], spoken)


def _in_the_light_of(memory: EntityMemory, rows: Rows, facts: Table) -> Rows:
    """What was replaced is in no index: it is as near to the question as what stands in its place."""
    light = rows.copy()
    for place in np.flatnonzero(facts["closed"]).tolist():
        heir = memory.succession.heir(int(rows[place]))
        light[place] = rows[place] if heir is None else heir
    return light


def _read(memory: EntityMemory, rows: Rows, facts: Table, asked: Question, own: Scores) -> None:
    """How much of the question the words of outdated facts hold themselves."""
    weights = {term: memory.lexical.weight(term) for term in asked.terms}
    whole = sum(weights.values()) or 1.0
    for place in np.flatnonzero(facts["closed"]).tolist():
        held = weights.keys() & set(terms(memory.facts[int(rows[place])].text))
        own[place] = max(own[place], sum(weights[term] for term in held) / whole)


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


def _merged(some: Sequence[Rows | list[int]], total: int) -> Rows:
    """The union, in the order of rows."""
    chosen = np.zeros(total, np.bool_)
    for rows in some:
        chosen[rows] = True
    return np.flatnonzero(chosen)
