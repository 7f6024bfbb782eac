"""What the words of a fact are like, whatever is asked: read once when it is loaded, as numbers for the table.

Each trait says how likely such a text holds an answer, or an answer of some kind. The word lists are English; where
they say nothing, the other signals decide alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from memproxy.domain import Fact
from memproxy.recall.words import stem

TRAITS = [
    ("words", np.float32),  # logarithm of their number
    ("pieces", np.float32),  # logarithm of how many pieces the message was cut into
    ("piece", np.float32),  # logarithm of how many stand before this one
    ("names", np.int8),  # capitalised within a sentence, up to three
    ("clock", np.bool_),  # says when
    ("counts", np.bool_),  # holds a number
    ("standing", np.bool_),  # an instruction for later: "always show the units when I ask about distances"
    ("prefers", np.bool_),  # I prefer, I decided, I need
    ("reacts", np.bool_),  # begins with "thanks", "okay", "hmm"
]
NAMES = 3

_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z]+")
_CLOCK_WORDS = """
    yesterday today tomorrow tonight last next ago since recently day week weekend month year morning evening monday
    tuesday wednesday thursday friday saturday sunday january february march april june july august september october
    november december
"""
_CLOCK = frozenset(map(stem, _CLOCK_WORDS.split()))
_DATE = re.compile(r"\b(?:20\d\d|\d{1,2}(?:st|nd|rd|th))\b", re.IGNORECASE)
_COUNTS = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twice|once|several|dozen|couple)\b", re.IGNORECASE
)
_STANDING = re.compile(
    r"^(?:please )?(?:always|never|make sure|from now on|remember)\b|\bwhen(?:ever)? I ask\b", re.IGNORECASE
)
_PREFERS = re.compile(
    r"\bI(?:'d| would)? (?:really |also )?"
    r"(?:prefer|like|love|hate|dislike|enjoy|want|need|decided|agreed|chose|plan)\b"
    r"|\bI'm (?:allergic|vegetarian|vegan)\b",
    re.IGNORECASE,
)
_REACTS = re.compile(
    r"(?:hmm|ok|okay|yeah|yes|thanks|thank you|great|this|these|sure|got it|sounds|perfect)\b", re.IGNORECASE
)


def traits(fact: Fact, terms: Sequence[str]) -> Sequence[object]:
    """In the order of `TRAITS`. `terms` are those of the fact's text."""
    text = fact.text
    number, _, total = fact.metadata.get("chunk", "1/1").partition("/")
    return (
        math.log1p(text.count(" ") + 1),
        math.log(int(total)),
        math.log(int(number)),
        min(len(_NAME.findall(text)), NAMES),
        bool(not _CLOCK.isdisjoint(terms) or _DATE.search(text)),
        bool(_COUNTS.search(text)),
        bool(_STANDING.search(text)),
        bool(_PREFERS.search(text)),
        bool(_REACTS.match(text)),
    )
