"""BM25 over one entity's facts: an inverted index that grows and shrinks fact by fact.

A posting is one unsigned integer, `row << 8 | min(times, 255)`; a term's postings are a sorted array of them that numpy
reads in place. So a fact costs four bytes per term, a query touches its own terms only, and taking a fact out leaves
the index as if it had never been there.

One pass gives several scores. `own` is textbook BM25. `near` asks whether the term stands in the fact or in one of the
two before and after it in the same conversation, because an answer rarely repeats the words of its question: each term
counts once per window, at its nearest occurrence. Facts stand for that in a line of `places`, with gaps of two
between conversations. `own` and `near` take words as they stand; `held`, `close` and `topic` ask the same of the fact,
its window and its whole conversation, and let words of like meaning count for part of a match.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memproxy.recall.related import related

K1, B = 1.2, 0.75
REACH = 2
"""Facts to either side whose words count for a fact."""
FADE = {-2: 0.6, 2: 0.6, -1: 0.8, 1: 0.8, 0: 1.0}
"""What a term is worth at a distance; farthest first."""
COMMON = 0.25
"""A term in more than this share of a large memory says little and costs most: it is left out of the windows."""
RELATED = 0.05
"""A word that is only related to one of the query says less still, and is left out of a large memory sooner."""
SHORT = 24
"""Terms of a query up to which related words are looked for: who says more says it in several words already."""
LARGE = 4096

Scores = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matches:
    """Scores by row, as shares of what a fact holding every query term once would get."""

    own: Scores
    near: Scores
    held: Scores
    """The share of the query that the fact itself holds, in its words or in related ones."""
    close: Scores
    """The same of the fact and its neighbours, the farther the less."""
    topic: Scores
    """The same of its whole conversation."""
    known: float
    """Share of the query's weight that lies in terms the memory holds at all."""


_STEPS = np.array(list(FADE))[:, None]
_FADES = np.array(list(FADE.values()), np.float32)


class Lexical:
    """Inverted index of rows; `places` maps them to the line of conversations at query time."""

    def __init__(self) -> None:
        self._postings: dict[str, array[int]] = {}
        self._lengths = np.zeros(64, np.float32)
        self._norms: Scores | None = None
        """BM25's measure of each row's length against the mean; None until asked for."""
        self._count = 0
        self._total = 0
        self.bytes = 0
        """Estimate: postings, terms and array headers."""

    def add(self, row: int, terms: Sequence[str]) -> None:
        for term, times in Counter(terms).items():
            postings = self._postings.get(term)
            if postings is None:
                postings = self._postings[term] = array("I")
                self.bytes += 200
            insort(postings, row << 8 | min(times, 255))
            self.bytes += 4
        self._measure(row, len(terms), 1)

    def remove(self, row: int, terms: Sequence[str]) -> None:
        """Undo `add`, given the same terms."""
        for term in set(terms):
            postings = self._postings[term]
            del postings[bisect_left(postings, row << 8)]
            self.bytes -= 4
            if not postings:
                del self._postings[term]
                self.bytes -= 200
        self._measure(row, len(terms), -1)

    def _measure(self, row: int, length: int, sign: int) -> None:
        if row >= len(self._lengths):
            self._lengths = np.concatenate([self._lengths, np.zeros(max(row, len(self._lengths)), np.float32)])
        self._lengths[row] = length if sign > 0 else 0
        self._norms = None
        self._count += sign
        self._total += sign * length

    def match(self, terms: Iterable[str], places: Rows, line: int, talks: Rows) -> Matches:
        """Score all rows; `places[row]` is the row's place in a line of that length, `talks[row]` the number of its
        conversation."""
        own = np.zeros(len(places), np.float32)
        near = np.zeros(line, np.float32)
        wide = _Wide(len(places), line, int(talks.max(initial=-1)) + 1)
        reached = np.zeros(line, np.float32)
        asked = known = 0.0
        distinct = dict.fromkeys(terms)
        widely = len(distinct) <= SHORT
        for term in distinct:
            rows, times = self._rows(term)
            weight = self._idf(len(rows))
            asked += weight
            if len(rows):
                known += weight
                own[rows] += weight * self._saturated(rows, times)
            shares = list(self._relatives(term)) if widely else []
            if len(rows) and self._speaks(rows, COMMON):
                shares.append((1.0, rows))
                _spread(near, reached, places[rows], weight)
            wide.add(shares, talks, weight)
            if widely:
                wide.spread(shares, places, weight)
        whole = asked or 1.0
        close = wide.close if widely else near  # the same, without related words
        held, topic = wide.held / whole, wide.topic[talks] / whole
        return Matches(own / whole, near[places] / whole, held, close[places] / whole, topic, known / whole)

    def _rows(self, term: str) -> tuple[Rows, Scores]:
        """Where the term stands, and how often."""
        packed = np.frombuffer(self._postings.get(term, b""), np.uint32)
        return (packed >> 8).astype(np.int64), (packed & 255).astype(np.float32)

    def _relatives(self, term: str) -> Iterator[tuple[float, Rows]]:
        for relative, share in related(term):
            if relative in self._postings:
                rows, _ = self._rows(relative)
                if self._speaks(rows, RELATED):
                    yield share, rows

    def _speaks(self, rows: Rows, most: float) -> bool:
        return self._count < LARGE or len(rows) < most * self._count

    def weight(self, term: str) -> float:
        """How much a term says: the rarer, the more."""
        return self._idf(len(self._postings.get(term, ())))

    def _idf(self, holders: int) -> float:
        return math.log(1 + (self._count - holders + 0.5) / (holders + 0.5))

    def _saturated(self, rows: Rows, times: Scores) -> Scores:
        if self._norms is None:
            mean = self._total / self._count or 1.0
            self._norms = K1 * (1 - B) + K1 * B / mean * self._lengths
        return (K1 + 1) * times / (times + self._norms[rows])


class _Wide:
    """Sums over terms of the best match each finds: in a row, around a place, in a conversation."""

    def __init__(self, rows: int, line: int, talks: int) -> None:
        self.held, self._row = np.zeros(rows, np.float32), np.zeros(rows, np.float32)
        self.close, self._place = np.zeros(line, np.float32), np.zeros(line, np.float32)
        self.topic, self._talk = np.zeros(talks, np.float32), np.zeros(talks, np.float32)

    def add(self, shares: Sequence[tuple[float, Rows]], talks: Rows, weight: float) -> None:
        """One term of the query: the rows that hold it, or a relative for a share of it, least share first."""
        if not shares:
            return
        rows = np.concatenate([rows for _, rows in shares])
        values = np.repeat([share for share, _ in shares], [len(rows) for _, rows in shares]).astype(np.float32)
        self._row[rows] = values  # of several the last, which is the greatest
        _move(self._row, self.held, rows, weight)
        self._talk[talks[rows]] = values
        _move(self._talk, self.topic, talks[rows], weight)

    def spread(self, shares: Sequence[tuple[float, Rows]], places: Rows, weight: float) -> None:
        """The same for all places within reach."""
        if not shares:
            return
        steps = sorted(((share * fade, step, at) for share, at in shares for step, fade in FADE.items()), key=_share)
        touched = np.concatenate([places[at] + step for _, step, at in steps])
        self._place[touched] = np.repeat([share for share, _, _ in steps], [len(at) for _, _, at in steps])
        _move(self._place, self.close, touched, weight)


def _share(step: tuple[float, int, Rows]) -> float:
    return step[0]


def _spread(near: Scores, reached: Scores, at: Rows, weight: float) -> None:
    """Add the term to all places within reach of `at`, farthest first so that the nearest occurrence overwrites."""
    touched = (at + _STEPS).ravel()
    reached[touched] = np.repeat(_FADES, len(at))
    _move(reached, near, touched, weight)


def _move(part: Scores, whole: Scores, touched: Rows, weight: float) -> None:
    """Add to the whole what stands in a part, and clear the part."""
    if len(whole) < LARGE:  # a short line is added up whole sooner than by places
        whole += weight * part
        part.fill(0)
        return
    # A place touched twice is computed twice from the old value and assigned the same sum: it counts once.
    whole[touched] += weight * part[touched]
    part[touched] = 0
