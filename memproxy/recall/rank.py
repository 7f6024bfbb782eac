"""The order of candidates: a weighted sum of small signals, each with a reason (`signals.py`).

Most signals are on a fixed scale, so that a score means nearly the same for every person and every question and a floor
can be drawn. Rank fusion was rejected: it throws away how much better the best is. z-scores over an entity's facts were
rejected: they make the best of a bad lot look good, and cost a full scan.

`WEIGHTS` is the one place with numbers. `python -m bench.learn` learned them, one set for all, from the development
dialogues of LoCoMo, BEAM and RealMem; they are rounded to one decimal, because more says nothing about new dialogues.
`docs/why/recall.md` has what they are worth with dialogues left out, and what each signal adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memproxy.recall import signals
from memproxy.recall.candidates import Candidates
from memproxy.recall.lexical import Scores
from memproxy.recall.question import Question
from memproxy.recall.signals import Signal

WEIGHTS: dict[Signal, float] = {
    signals.meaning: 0.9,
    signals.nearest: 3.0,
    signals.reply: 2.8,
    signals.prompted: 1.3,
    signals.conversation: 3.7,
    signals.words: 1.2,
    signals.words_around: 1.2,
    signals.words_of_conversation: 1.3,
    signals.outstanding: 0.4,
    signals.speaker: 2.5,
    signals.asks: -0.6,
    signals.personal: 0.7,
    signals.names: 0.4,
    signals.clock: 0.5,
    signals.counts: 1.8,
    signals.date: 3.5,
    signals.statement: 0.3,
    signals.length_of_prompt: -0.5,
    signals.length_of_answer: -0.7,
    signals.told: 1.3,
    signals.piece: -0.9,
    signals.standing: 1.7,
    signals.prefers: 0.4,
    signals.reacts: -0.6,
    signals.recency: 2.0,
    signals.latest: -2.0,
    signals.brief: -0.3,
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


def measured(found: Candidates, question: Question) -> NDArray[np.float32]:
    """Every signal of every candidate, a column for each."""
    return np.stack([signal(found, question) for signal in WEIGHTS], axis=1)


def rank(found: Candidates, question: Question) -> Ranking:
    parts = np.zeros((len(found.rows), len(_NAMES)), np.float32)
    parts[:, :-1] = measured(found, question) * np.array(list(WEIGHTS.values()), np.float32)
    scores = parts.sum(axis=1)
    # Of equals the newer comes first, and the order never depends on how the candidates were found.
    return Ranking(np.lexsort((-found.facts["number"], -scores)), scores, parts)
