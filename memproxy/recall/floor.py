"""Where relevance ends. Nothing to say is the usual outcome, and a block that does not matter is worse than none.

Two lines are drawn. The gate looks at the question: is there anything in this memory that speaks of it? Cosines decide,
a little the words, and how the question is put: priors such as who spoke say which fact is best, not whether any is
good. Who names a person of the conversations, or speaks of themselves at length, needs less evidence than "write
quicksort in C++". The cut looks at the facts: what scores far below the best is filler.

The gate's numbers are those of a logistic regression that tells questions which the development dialogues answer from
`bench/data/everyday.txt`, rounded; with dialogues and half of the requests left out, 0 to 3 % of the requests open a
memory, and closing it costs less than a point of recall. They are calibrated for the cosines of the default model.
"""

from __future__ import annotations

import math
import re

import numpy as np

from memproxy.recall.candidates import Candidates
from memproxy.recall.question import Question
from memproxy.recall.rank import Ranking

GATE = 1.68
"""Asked for: best cosine + best cosine of surroundings + half the best match of words, and what the question adds."""
WORDS = 0.5
NAMED = 1.0
"""A person of the conversations is named, or it is memory itself that is asked: "do you remember", "about me"."""
SELF = 0.8
"""The question is about what the person has, is or did."""
FIRST, FIRSTS = 0.2, 4
"""Each time people speak of themselves, up to so many."""
ORDER = -0.25
"""Orders to write, explain or compute something mostly are about the world."""
LENGTH, LONGEST = 0.27, 30
"""For the logarithm of the number of terms, up to so many: who says more has more to do with what was said before."""
SMALL, LARGE = 0.2, 512
"""The best of many facts is near to anything, the best of few is not: for the square root of twice the logarithm of how
many fewer candidates there are than this, which is how the maximum of random cosines grows."""
WORDS_ALONE = 2.0
"""What a full match of words is worth where there are no vectors."""
CUT = 6.5
"""A fact that scores this much below the best is left out."""

# "How do I exit vim" and "can I use a list" are not about the person, "what did I say" is; 帮我 asks for a favour.
_SELF = re.compile(
    r"\b(?:my|mine|myself|our|ours)\b|\b(?:for|with|about) (?:me|us)\b"
    r"|\b(?:am|did|was|were|have|had|'ve) (?:i|we)\b"
    r"|\b(?:what|where|when|which|who|whom|how (?:often|old|much|many|long))\b[^.?!]{0,30}"
    r"\b(?:do|should|will|would|can) (?:i|we)\b"
    r"|(?<![帮给替为让教诉])我|私[のはが]|ของฉัน|내|우리"
    r"|\b(?:ich|mein\w*|unser\w*|mon|mes|notre|nos|mis?|nuestr\w+|mio|mia|meus?|minhas?|мо[йяие]|меня|мне|у нас)\b",
    re.IGNORECASE,
)
_REMEMBER = re.compile(
    r"\bwho am i\b|\b(?:know|remember|recall|said|told you) (?:of|about) (?:me|us)\b|\bremind me\b|\bdo you remember\b"
    r"|\b(?:did|have) (?:i|we) (?:ever )?(?:say|said|tell|told|mention(?:ed)?|talk(?:ed)?|discuss(?:ed)?)\b"
    r"|\blast time\b|\byou (?:said|told|suggested|recommended|mentioned|promised)\b|记得|上次|我是谁|覚えて",
    re.IGNORECASE,
)
_FAVOUR = re.compile(
    r"\b(?:give|tell|help|show|teach|let|write|send|for) (?:me|us)\b|[帮给替为让教诉]我"
    r"|\b(?:can|could|should|do|would) (?:i|we)\b(?! (?:say|tell|mention|ask))",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\b(?:i|me|my|mine|we|us|our|ours|myself|ich|wir|je|nous|yo|nosotros|io|eu|я|мы)\b|[我俺咱私僕]|ฉัน|ผม|나|내|우리|저",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"^\W*(?:please |can you |could you |now |ok,? )*(?:write|explain|translate|convert|summari[sz]e|give|list|generate"
    r"|draft|define|solve|fix|rewrite|proofread|name|tell|create|make|compose|describe|compute|calculate|rename|add|run"
    r"|optimi[sz]e|put|turn|classify|extract|correct|continue|pretend|compare|implement|refactor|show|sort|reverse"
    r"|schreibe?|erkl[äa]re?|übersetze?|[ée]cris|tradui[st]|expli\w+|escrib\w+|traduc\w+|напиши)\b"
    r"|^\W*(?:解释|写|翻译|帮我|请把|把|用|เขียน)|してください|해 ?줘",
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
    if not question.terms and not question.named and not _SELF.search(question.text):
        return False
    # To an encoder that cannot tell the texts apart, few facts are as near as many.
    size = _size(len(found.rows)) if question.trust == 1 else 0
    return _evidence(found, question) + _leave(question) + size >= GATE


def _size(candidates: int) -> float:
    return SMALL * (_likely_best(LARGE) - _likely_best(min(candidates, LARGE)))


def _likely_best(many: int) -> float:
    return math.sqrt(2 * math.log(max(many, 2)))


def _evidence(found: Candidates, question: Question) -> float:
    near = float(found.near.max())
    best = float(found.cosine.max())
    if best == 0 and not found.cosine.any():
        return WORDS_ALONE * near
    meaning = best + float(found.around.max())
    return meaning + WORDS * near if question.trust == 1 else question.trust * meaning + near


def _leave(question: Question) -> float:
    text = question.text
    firsts = len(_FIRST.findall(_FAVOUR.sub(" ", text)))
    return (
        NAMED * (question.named or bool(_REMEMBER.search(text)))
        + SELF * bool(_SELF.search(text))
        + FIRST * min(firsts, FIRSTS)
        + ORDER * bool(_ORDER.search(text))
        + LENGTH * math.log(1 + min(len(question.terms), LONGEST))
    )
