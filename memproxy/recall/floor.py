"""Where relevance ends. Nothing to say is the usual outcome, and a block that does not matter is worse than none."""

from __future__ import annotations

from memproxy.recall.candidates import Candidates
from memproxy.recall.rank import Ranking


def above(found: Candidates, ranking: Ranking) -> int:
    """How many of the ranked candidates are worth showing: 0 where even the best says nothing on the question."""
    return len(ranking.order)
