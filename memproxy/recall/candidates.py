"""The facts worth ranking: the nearest by meaning and the best by words, as far as the question allows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from memproxy.recall.days import Span
from memproxy.recall.entity_memory import EntityMemory, Line, Table
from memproxy.recall.lexical import Matches, Rows, Scores
from memproxy.recall.question import Question
from memproxy.recall.words import terms

DENSE = 512
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
class Words:
    """Shares of the question's words, or of related ones, by how far around the fact they were looked for."""

    held: Scores
    close: Scores
    topic: Scores


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows to rank, with what the searches say of each."""

    rows: Rows
    facts: Table
    cosine: Scores
    around: Scores
    """Mean cosine of the fact and its neighbours in the conversation."""
    before: Scores
    """Cosine of the neighbour before, where that is a question; else 0."""
    after: Scores
    """Cosine of the neighbour after."""
    talk: Scores
    """Best cosine of the whole conversation."""
    lately: Scores
    """One by how many conversations there were since, this one included; 0 for facts that stand alone."""
    own: Scores
    near: Scores
    words: Words
    newest: float = 0.0
    """When the last thing in memory was said, in seconds since 1970."""
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
    line = memory.line()
    dense, nearest = _located(memory, found)
    cosines = _Cosines(line, dense, nearest)
    closed = memory.succession.closed
    best = _best(matches.close + 0.3 * matches.own)
    rows = _merged((dense, best, list(memory.pinned), list(closed)), len(line.places))
    facts = memory.table.take(rows)  # a tenth of what indexing takes, for rows of many columns
    allowed = only.admits(facts)
    if not allowed.all():
        rows, facts = rows[allowed], facts.compress(allowed)
    light = _in_the_light_of(memory, rows, facts) if closed else rows
    own, held = matches.own[light], matches.held[light]
    if asked is not None and facts["closed"].any():
        _read(memory, rows, facts, asked, own, held)
    return Candidates(
        rows,
        facts,
        *cosines.at(light),
        own=own,
        near=matches.near[light],
        words=Words(held, matches.close[light], matches.topic[light]),
        newest=memory.newest or 0.0,
        spoken=memory.spoken_of(rows) if asked is not None and asked.days else {},
    )


def _in_the_light_of(memory: EntityMemory, rows: Rows, facts: Table) -> Rows:
    """What was replaced is in no index: it is as near to the question as what stands in its place."""
    light = rows.copy()
    for place in np.flatnonzero(facts["closed"]).tolist():
        heir = memory.succession.heir(int(rows[place]))
        light[place] = rows[place] if heir is None else heir
    return light


def _read(memory: EntityMemory, rows: Rows, facts: Table, asked: Question, own: Scores, held: Scores) -> None:
    """How much of the question the words of outdated facts hold themselves."""
    weights = {term: memory.lexical.weight(term) for term in asked.terms}
    whole = sum(weights.values()) or 1.0
    for place in np.flatnonzero(facts["closed"]).tolist():
        found = weights.keys() & set(terms(memory.facts[int(rows[place])].text))
        share = sum(weights[term] for term in found) / whole
        own[place], held[place] = max(own[place], share), max(held[place], share)


def _located(memory: EntityMemory, found: Sequence[tuple[int, float]]) -> tuple[Rows, Scores]:
    """Rows and cosines of found fact numbers. One that the index holds and we do not is newer than what we loaded."""
    numbers, cosines = zip(*found, strict=True) if found else ((), ())
    try:
        rows = np.fromiter(map(memory.rows.__getitem__, numbers), np.int64, len(numbers))
    except KeyError:
        return _located(memory, [pair for pair in found if pair[0] in memory.rows])
    return rows, np.fromiter(cosines, np.float32, len(cosines))


class _Cosines:
    """What the search found, laid out along the line of conversations. What it did not find is at most as near as the
    last thing found; a fact at the edge of its conversation stands in for the neighbour it lacks."""

    def __init__(self, line: Line, found: Rows, nearest: Scores) -> None:
        self._line = line
        farthest = nearest[-1] if len(nearest) else FAR
        self._cosines = np.where(line.gaps, np.float32(np.nan), farthest)
        self._cosines[line.places[found]] = nearest
        self._talks = np.full(int(line.talks.max(initial=-1)) + 1, farthest, np.float32)
        self._talks[line.talks[found[::-1]]] = nearest[::-1]  # of a conversation's the last put in is the nearest

    def at(self, rows: Rows) -> tuple[Scores, Scores, Scores, Scores, Scores, Scores]:
        """cosine, around, before, after, talk, lately"""
        places = self._line.places[rows]
        here = np.nan_to_num(self._cosines[places], nan=float(FAR))
        before, after = (_or(self._cosines[places + step], here) for step in (-1, 1))
        around = np.asarray((here + before + after) / 3, np.float32)
        after = np.fmax(after, self._cosines[places + 2])
        talks = self._line.talks[rows]
        return here, around, before * self._line.asked[places - 1], after, self._talks[talks], self._line.lately[talks]


def _or(scores: Scores, others: Scores) -> Scores:
    return np.where(np.isnan(scores), others, scores)


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
