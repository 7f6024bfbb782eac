"""Where relevance ends. Nothing to say is the usual outcome, and a block that does not matter is worse than none.

Two lines are drawn. The gate looks at the question: is there anything in this memory that speaks of it? Cosines alone
decide, and a little the words: priors such as who spoke say which fact is best, not whether any is good. A question
about the person themselves needs less evidence than "write quicksort in C++". The gate's numbers keep 98 % of the
development questions open and let through 2 % of `bench/data/everyday.txt` against personal dialogues.
The cut looks at the facts: what scores far below the best is filler.
"""

from __future__ import annotations

import re

import numpy as np

from memproxy.recall.candidates import Candidates
from memproxy.recall.question import Question
from memproxy.recall.rank import Ranking

GATE = 0.8
"""Evidence asked for: best cosine + best cosine of surroundings + a tenth of the best match of words."""
NAMED, SELF = 0.3, 0.15
"""Less is asked for where the question names a speaker, or is about the person who asks."""
WORDS_ALONE = 1.3
"""What a full match of words is worth where there are no vectors."""
CUT = 5.0
"""A fact that scores this much below the best is left out."""

# "How do I exit vim" is not about the person, "what did I say" is; 帮我 asks for a favour.
_SELF = re.compile(
    r"\b(?:my|mine|myself|our|ours)\b"
    r"|(?<!how )\b(?:am|are|do|did|was|were|have|had|can|could|should|will|would) (?:i|we)\b"
    r"|(?<![帮给替为让教])我",
    re.IGNORECASE,
)


def above(found: Candidates, ranking: Ranking, question: Question) -> int:
    """How many of the ranked candidates are worth showing: 0 where even the best says nothing on the question."""
    if not len(found.rows) or not _opens(found, question):
        return 0
    scores = ranking.scores[ranking.order]
    return int(np.count_nonzero(scores >= scores[0] - CUT))


def _opens(found: Candidates, question: Question) -> bool:
    """Greetings and thanks hold no word to search for, and ask for nothing; "who am I" does."""
    leave = _leave(question)
    return bool(question.terms or leave) and _evidence(found, question) + leave >= GATE


def _evidence(found: Candidates, question: Question) -> float:
    near = float(found.near.max())
    best = float(found.cosine.max())
    if best == 0 and not found.cosine.any():
        return WORDS_ALONE * near
    meaning = best + float(found.around.max())
    return meaning + 0.1 * near if question.trust == 1 else question.trust * meaning + near


def _leave(question: Question) -> float:
    if question.speaker is not None:
        return NAMED
    return SELF if _SELF.search(question.text) else 0.0
