"""The order of candidates: a weighted sum of small signals, each with a reason.

Every signal is a function of the candidates and the question, on a fixed scale, so that a score means the same for
every person and every question: a floor can be drawn. Rank fusion was rejected: it throws away how much better the best
is. z-scores over an entity's facts were rejected: they make the best of a bad lot look good, and cost a full scan.

`WEIGHTS` is the one place with numbers. They were tuned by hand on development dialogues of LoCoMo, BEAM and RealMem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memproxy.recall.candidates import Candidates
from memproxy.recall.days import nearness
from memproxy.recall.lexical import Scores
from memproxy.recall.question import Question

Signal = Callable[[Candidates, Question], Scores]


def meaning(found: Candidates, question: Question) -> Scores:
    """The same thing said in other words."""
    return found.cosine * np.float32(question.trust)


def surroundings(found: Candidates, question: Question) -> Scores:
    """A short answer means little by itself; its neighbours in the conversation carry the topic."""
    return found.around * np.float32(question.trust)


def words(found: Candidates, question: Question) -> Scores:
    """Names, numbers and rare words that an encoder blurs."""
    return found.own


def words_around(found: Candidates, question: Question) -> Scores:
    """The words of a question often stand in the message before its answer."""
    return found.near


def speaker(found: Candidates, question: Question) -> Scores:
    """Who is asked about has usually said it themselves."""
    if question.speaker is None:
        return np.zeros(len(found.rows), np.float32)
    return np.asarray(found.facts["speaker"] == question.speaker, np.float32)


def answers(found: Candidates, question: Question) -> Scores:
    """What an assistant answered is long, touches every topic, and is seldom what the person told it."""
    return np.asarray(found.facts["answers"], np.float32)


def asks(found: Candidates, question: Question) -> Scores:
    """Between people a question holds fewer answers than a statement; what one asks an assistant tells about one."""
    return np.asarray(found.facts["asks"] & (found.facts["speaker"] >= 0), np.float32)


def personal(found: Candidates, question: Question) -> Scores:
    """Who says "I" tells something about themselves."""
    return np.asarray(found.facts["personal"], np.float32)


def date(found: Candidates, question: Question) -> Scores:
    """A question about a day is answered by what was said around it, or speaks of it."""
    return nearness(question.days, found.facts["said"], found.spoken)


WEIGHTS: dict[Signal, float] = {
    meaning: 4.5,
    surroundings: 4.0,
    words: 0.3,
    words_around: 2.6,
    speaker: 1.5,
    answers: -3.5,
    asks: -0.6,
    personal: 0.4,
    date: 3.5,
}


_NAMES = [*(signal.__name__ for signal in WEIGHTS), "newer"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates, best first. `parts` has a row per candidate: what each signal added to its score, and what it was
    lifted by in the end."""

    order: NDArray[np.intp]
    scores: Scores
    parts: NDArray[np.float32]

    def lifted(self, scores: Mapping[int, float]) -> Ranking:
        """With new scores for some candidates."""
        if not scores:
            return self
        raised, parts = self.scores.copy(), self.parts.copy()
        for candidate, score in scores.items():
            parts[candidate, -1] = score - raised[candidate]
            raised[candidate] = score
        # Stable: those that are not lifted keep their order.
        return Ranking(self.order[np.argsort(-raised[self.order], kind="stable")], raised, parts)

    def why(self, candidates: NDArray[np.intp]) -> list[dict[str, float]]:
        rows = self.parts[candidates].astype(np.float64).round(3).tolist()
        return [{name: part for name, part in zip(_NAMES, row, strict=True) if part} for row in rows]


def rank(found: Candidates, question: Question) -> Ranking:
    parts = np.zeros((len(found.rows), len(_NAMES)), np.float32)
    for column, (signal, weight) in enumerate(WEIGHTS.items()):
        np.multiply(signal(found, question), weight, out=parts[:, column])
    scores = parts.sum(axis=1)
    # Of equals the newer comes first, and the order never depends on how the candidates were found.
    return Ranking(np.lexsort((-found.facts["number"], -scores)), scores, parts)
