"""BM25 over one entity's facts: an inverted index that grows and shrinks fact by fact.

A posting is one unsigned integer, `row << 8 | min(times, 255)`; a term's postings are a sorted array of them that numpy
reads in place. So a fact costs four bytes per term, a query touches its own terms only, and taking a fact out leaves
the index as if it had never been there.

Two scores come from one pass. `own` is textbook BM25. `near` asks whether the term stands in the fact or in one of the
two before and after it in the same conversation, because an answer rarely repeats the words of its question: each term
counts once per window, at its nearest occurrence. Facts stand for that in a line of `places`, with gaps of two
between conversations.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
REACH = 2
"""Facts to either side whose words count for a fact."""
FADE = {-2: 0.6, 2: 0.6, -1: 0.8, 1: 0.8, 0: 1.0}
"""What a term is worth at a distance; farthest first."""
COMMON = 0.25
"""A term in more than this share of a large memory says little and costs most: it is left out of the windows."""
LARGE = 4096

Scores = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matches:
    """Scores by row, as shares of what a fact holding every query term once would get."""

    own: Scores
    near: Scores
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

    def match(self, terms: Iterable[str], places: Rows, line: int) -> Matches:
        """Score all rows; `places[row]` is the row's place in a line of that length."""
        own = np.zeros(len(places), np.float32)
        near = np.zeros(line, np.float32)
        reached = np.zeros(line, np.float32)
        asked = held = 0.0
        for term in dict.fromkeys(terms):
            postings = self._postings.get(term)
            weight = self._idf(len(postings) if postings else 0)
            asked += weight
            if not postings:
                continue
            held += weight
            packed = np.frombuffer(postings, np.uint32)
            rows: Rows = (packed >> 8).astype(np.int64)
            own[rows] += weight * self._saturated(rows, (packed & 255).astype(np.float32))
            if self._count < LARGE or len(rows) < COMMON * self._count:
                _spread(near, reached, places[rows], weight)
        return Matches(own / (asked or 1.0), near[places] / (asked or 1.0), held / (asked or 1.0))

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


def _spread(near: Scores, reached: Scores, at: Rows, weight: float) -> None:
    """Add the term to all places within reach of `at`, farthest first so that the nearest occurrence overwrites."""
    touched = (at + _STEPS).ravel()
    reached[touched] = np.repeat(_FADES, len(at))
    if len(near) < LARGE:  # a short line is added up whole sooner than by places
        near += weight * reached
        reached.fill(0)
        return
    # A place touched twice is computed twice from the old value and assigned the same sum: it counts once.
    near[touched] += weight * reached[touched]
    reached[touched] = 0
