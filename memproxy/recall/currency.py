"""Which of two conflicting statements holds: the newer one comes first where a question asks what is so now.

Facts know what replaced them: a message from which an outdated fact was read stands behind what tells of its heir,
where the heir has to do with the question. The words of other messages do not tell. So of the best candidates two are
taken for statements of the same thing at different times where

    the same side said both, in different messages,
    they share enough of the question's words, weighted by their rarity, and
    each holds a value of the kind that is asked for (an amount, a share, a time, a date, a number) that is not in the
    other,

and the newer is lifted to just above the older; the rest keep their order. Where no value is asked for, the newer must
say that something changed, and stand close behind. Questions about the past, and those whose answer is computed from
several statements ("how many days between"), change nothing.

The thresholds are plain numbers, tried on BEAM's knowledge updates with one dialogue left out at a time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from memproxy.recall.candidates import Candidates
from memproxy.recall.entity_memory import EntityMemory
from memproxy.recall.question import Question
from memproxy.recall.rank import Ranking
from memproxy.recall.words import terms

BEST = 15
"""Of the ranking that are looked at."""
SHARED = 0.2
"""Share of the question's weight that both must hold."""
ALIKE, CHANGE = 0.5, 0.4
"""Of what the older holds of the question the newer must hold this share; less by so much where it says that something
changed."""
ALIKE_WITHOUT_VALUE, CLOSE = 0.7, 0.12
"""Where no value is asked for: that share, and a score below the older's by at most this part of all scores' spread."""
LONG = 25
"""Terms of a message that is more than a question."""
STEP = 1e-3

_ASKED = {
    "money": r"\bhow much\b|\b(?:budget|costs?|prices?|salary|rent|fees?|pay)\b|多少钱|预算|价格|工资|房租|いくら|家賃",
    "share": r"\b(?:percent\w*|rates?|accuracy|coverage|share|how many|number of|count|total|score|average)\b"
    r"|百分|比例|率",
    "clock": r"\b(?:when|what time|deadline)\b|几点|什么时候|何時",
    "date": r"\b(?:when|what (?:date|day)|deadline)\b|几号|哪天|什么时候|いつ|何日",
    "number": r"\bhow (?:many|much|long|old|often|far|big|large|tall|fast)\b|\bnumber of\b"
    r"|\b(?:count|total|average|quota|score|times?|rates?)\b|多少|几|多大|多久|いくつ|何[個人冊回歳]",
}
"""How a kind of value is asked for."""
_ASKS = {kind: re.compile(asks, re.IGNORECASE) for kind, asks in _ASKED.items()}

_DIGITS = re.compile(r"\d[\d,.:/-]*\d|\d")
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_CONTEXT = 14
"""Characters to either side that tell what a number is."""
_BEFORE = {"money": re.compile(r"[$€£¥] ?$"), "date": re.compile(rf"\b{_MONTH}\.? $")}
_AFTER = {
    "money": re.compile(r"\s?(?:dollars|euros|pounds|bucks|[元块円万])"),
    "share": re.compile(r"\s?(?:[%％]|percent)"),
    "clock": re.compile(r"\s?(?:[ap]\.?m\b|[点時])"),
    "date": re.compile(rf"(?:st|nd|rd|th)?(?: of)? {_MONTH}\b|[月日号]"),
}
_IN = {"clock": re.compile(r"\d:\d"), "date": re.compile(r"\d[/-]\d")}


def _stems(words: str) -> frozenset[str]:
    return frozenset(terms(words))


_WEEKDAYS = _stems("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_NUMBERS = _stems("one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty")
_CHANGED = _stems(
    "recent recently update updated change changed instead longer anymore moved move switched reschedule rescheduled"
    " postponed pushed extended increase increased decreased decrease reduced raised lowered adjusted revised improved"
    " reached grown grew growth dropped new newest current currently latest cut expanded upgraded replaced"
    " 改 现在 最近 已经 不再 换成 今は 最近 変わった 変更 もう"
)
"""That something is no longer as it was."""

_PAST = re.compile(
    r"\b(?:before|previous\w*|used to|originally|initially|formerly|former|at first|back then|in the past|old|over time"
    r"|history|chang\w+|evolv\w+|progress\w*|sequence|timeline|earlier|first time|in (?:what )?order|summar\w+)\b"
    r"|以前|之前|原来|过去|曾经|本来|从前|前は|かつて|昔",
    re.IGNORECASE,
)
_WAS = re.compile(r"\b(?:did|was|were|had|when i|lived|worked)\b|过|でした|ました", re.IGNORECASE)
_HAPPENED = re.compile(r"\b(?:when|what (?:date|day|time)) (?:did|was|were|had)\b", re.IGNORECASE)
_COMPUTED = re.compile(
    r"\bbetween\b|\bever\b|\b(?:dates|times)\b|\bwhich\b"
    r"|\bhow many (?:more |total )?(?:days|weeks|months|years|hours|minutes) (?:did|do|are there|were there|passed"
    r"|until|left|after|before)\b",
    re.IGNORECASE,
)
_PRESENT = re.compile(r"\b(?:is|are|am|do|does|have|has|what's|who's|where's)\b|现在|目前|今", re.IGNORECASE)


def asks_past(question: Question) -> bool:
    """Whether it asks for what was so once: outdated facts may answer it."""
    return bool(_PAST.search(question.text)) or (
        bool(_WAS.search(question.text)) and any(d.past for d in question.days)
    )


def in_time(memory: EntityMemory, found: Candidates, ranking: Ranking, question: Question) -> Ranking:
    """The ranking with newer statements lifted above those that they replace; or, where the past is asked for, outdated
    facts above those that replaced them."""
    if not len(ranking.order):
        return ranking
    best = ranking.order[:BEST].tolist()
    if asks_past(question):
        return ranking.lifted(_past_first(memory, found, ranking, best))
    kinds = _asked(question)
    if kinds is None and not memory.succession.closed:
        return ranking
    scores = ranking.scores[best].tolist()
    spread = (scores[0] - scores[-1]) or 1.0
    weights = {term: memory.lexical.weight(term) for term in question.terms}
    said = [
        _said(memory, row, (scores[0] - score) / spread, kinds or (), weights)
        for row, score in zip(found.rows[best].tolist(), scores, strict=True)
    ]
    return ranking.lifted({best[place]: score for place, score in _lifts(said, scores, kinds).items()})


def _past_first(memory: EntityMemory, found: Candidates, ranking: Ranking, best: Sequence[int]) -> dict[int, float]:
    """New scores for the outdated among the candidates whose heirs stand among the best."""
    holding = {row: float(ranking.scores[place]) for place, row in zip(best, found.rows[best].tolist(), strict=True)}
    lifts = {}
    for place in np.flatnonzero(found.facts["closed"]).tolist():
        heir = memory.succession.heir(int(found.rows[place]))
        if heir in holding and holding[heir] >= ranking.scores[place]:
            lifts[place] = holding[heir] + STEP
    return lifts


def _lifts(said: Sequence[_Said], scores: Sequence[float], kinds: Sequence[str] | None) -> dict[int, float]:
    """New scores by place: just above the older's message, of several the newest first. Without `kinds` only what facts
    know counts."""
    first: dict[str, int] = {}
    for place, one in enumerate(said):
        first.setdefault(one.message, place)
    targets = {}
    for place, newer in enumerate(said):
        older = (
            first[one.message]
            for one in said
            if newer.is_heir_of(one) or (kinds is not None and newer.replaces(one, bool(kinds)))
        )
        if (target := min(older, default=place)) < place:
            targets[place] = target
    oldest_first = sorted(targets, key=lambda place: said[place].at)
    return {place: scores[targets[place]] + STEP * rise for rise, place in enumerate(oldest_first, 1)}


def _asked(question: Question) -> tuple[str, ...] | None:
    """The kinds of value that are asked for; None where nothing that holds now is asked for."""
    text = question.text
    if len(question.terms) > LONG or asks_past(question) or _COMPUTED.search(text) or _HAPPENED.search(text):
        return None
    kinds = tuple(kind for kind, asks in _ASKS.items() if asks.search(text))
    return kinds if kinds or (_PRESENT.search(text) and not _WAS.search(text)) else None


@dataclass(frozen=True, slots=True)
class _Said:
    """A candidate, as far as conflicts are concerned."""

    message: str
    side: tuple[str, str | None]
    at: datetime
    behind: float
    """The best candidate's score less its own, as a share of the spread."""
    shared: Mapping[str, float]
    """Shares of the question's weight, by the terms that it holds."""
    values: Mapping[str, frozenset[str]]
    changed: bool
    holds: str
    """The id of the fact."""
    heirs: frozenset[str] = frozenset()
    """Messages and facts that say what holds instead of something outdated that this message says."""

    def is_heir_of(self, other: _Said) -> bool:
        return self.message != other.message and not other.heirs.isdisjoint((self.message, self.holds))

    def replaces(self, other: _Said, valued: bool) -> bool:
        if self.at <= other.at or self.side != other.side or self.message == other.message:
            return False
        common = sum(weight for term, weight in self.shared.items() if term in other.shared)
        if common < SHARED or self.side == ("assistant", None):
            return False
        alike = common / sum(other.shared.values())
        if valued:
            return self._differs(other) and alike + CHANGE * self.changed >= ALIKE
        return self.changed and alike >= ALIKE_WITHOUT_VALUE and self.behind - other.behind <= CLOSE

    def _differs(self, other: _Said) -> bool:
        return any(
            self.values[kind] - other.values[kind] and other.values[kind] - self.values[kind] for kind in self.values
        )


def _said(memory: EntityMemory, row: int, behind: float, kinds: Sequence[str], weights: Mapping[str, float]) -> _Said:
    fact = memory.facts[row]
    whole = sum(weights.values()) or 1.0
    found = set(terms(fact.text))
    message = fact.sources[0].message_id if fact.sources else fact.id
    heirs = [memory.facts[heir] for heir in memory.succession.heirs(message)] if fact.kind == "episode" else []
    heirs = [heir for heir in heirs if not weights.keys().isdisjoint(terms(heir.text))]
    return _Said(
        message=message,
        side=(fact.role, fact.speaker),
        at=fact.first_seen,
        behind=behind,
        shared={term: weights[term] / whole for term in found & weights.keys()},
        values=_values(fact.text, found, kinds),
        changed=not found.isdisjoint(_CHANGED),
        holds=fact.id,
        heirs=frozenset(name for heir in heirs for name in (heir.id, *(s.message_id for s in heir.sources))),
    )


def _values(text: str, found: set[str], kinds: Sequence[str]) -> dict[str, frozenset[str]]:
    values: dict[str, set[str]] = {kind: set() for kind in kinds}
    for match in _DIGITS.finditer(text) if kinds else ():
        kind = _kind(text, match)
        if kind in values:
            values[kind].add(match[0].replace(",", ""))
    if "date" in values:
        values["date"] |= found & _WEEKDAYS
    if "number" in values:
        values["number"] |= found & _NUMBERS
    return {kind: frozenset(those) for kind, those in values.items()}


def _kind(text: str, number: re.Match[str]) -> str:
    before = text[max(0, number.start() - _CONTEXT) : number.start()].lower()
    after = text[number.end() : number.end() + _CONTEXT].lower()
    for kind in ("money", "share", "clock", "date"):
        if kind in _IN and _IN[kind].search(number[0]):
            return kind
        if (kind in _BEFORE and _BEFORE[kind].search(before)) or (kind in _AFTER and _AFTER[kind].match(after)):
            return kind
    return "number"
