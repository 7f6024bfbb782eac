"""Fills the block: ranked facts, most useful per token first, as long as they say something new and fit.

Left out, each with its reason for the receipt: what an earlier block of the session gave (`given`), what the history in
the request already says (`visible`), what another fact of the block or the question itself says (`duplicate`), what
scores too far below the best (`floor`), what does not fit (`budget`, `limit`), what no longer holds (`superseded`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from memproxy.domain import Fact
from memproxy.recall.render import DATE_TOKENS, DAY_TOKENS, FRAME_TOKENS, heading_of
from memproxy.recall.words import negates, terms

DENSITY = 0.5
"""Points of score that a fact e times as long must be better by. Half a point brings long chats two points of recall in
a block of 512 tokens and costs short turns between people nothing; more would."""
AGAIN = 0.5
"""Points that each further piece of a message must be better by."""
MISSES = 12
"""Facts in a row that do not fit before the rest is not tried any more."""
ALIKE = 0.9
"""Share of its words that a near-duplicate holds."""
OVERLAP = 12
"""Characters of the pieces that near-duplicates have in common."""
LETTERS, MARGIN = 12, 40
"""A question of so many letters for each term of another, and a few more, holds others."""
WORDY = 10
"""Fewer words make no near-duplicate: each of them counts."""


def by_worth(facts: Sequence[Fact], scores: NDArray[np.float32], budget: int, limit: int) -> list[int]:
    """Places of ranked facts in the order in which to offer them. Where there is room for all, that is the ranking."""
    tokens = np.array([max(fact.tokens, DATE_TOKENS) for fact in facts], np.float32)
    if tokens[:limit].sum() + FRAME_TOKENS <= budget:
        return list(range(len(facts)))
    seen: Counter[str] = Counter()
    before = []
    for fact in facts:
        message = fact.sources[0].message_id if fact.kind == "episode" and fact.sources else fact.id
        before.append(seen[message])
        seen[message] += 1
    worth = scores - DENSITY * np.log(tokens) - AGAIN * np.array(before, np.float32)
    return [int(place) for place in np.argsort(-worth, kind="stable")]


@dataclass(slots=True)
class Seen:
    """What the model has before it without any block of ours."""

    texts: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    _joined: str = field(init=False, repr=False)
    """What does not stand in here stands in none of `texts`: one search for nearly every fact."""

    def __post_init__(self) -> None:
        self._joined = "\n".join(self.texts)

    def has(self, fact: Fact) -> str | None:
        """The reason to leave the fact out, if there is one."""
        if fact.id in self.given:
            return "given"
        if fact.text in self._joined and any(fact.text in text for text in self.texts):
            return "visible"
        return None


@dataclass(slots=True)
class Packing:
    """A block in the making."""

    budget: int
    limit: int
    seen: Seen
    asked: frozenset[str] = frozenset()
    """The terms of the question."""
    tokens: int = FRAME_TOKENS
    taken: list[int] = field(default_factory=list)
    """Positions of the facts in the block, in the order offered."""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    _misses: int = 0
    _sameness: set[int] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)
    _days: set[str] = field(default_factory=set)
    _texts: list[tuple[int, str]] = field(default_factory=list)
    _words: dict[str, frozenset[str]] = field(default_factory=dict)
    _noted: Iterable[Fact] = ()

    @property
    def full(self) -> bool:
        return self._many or self._misses >= MISSES

    @property
    def _many(self) -> bool:
        return len(self.taken) >= self.limit

    def note(self, facts: Iterable[Fact]) -> None:
        """Where to look for messages that the model has before it word for word: statements taken from them say nothing
        new. They are looked for when the first statement is offered."""
        self._noted = facts

    def offer(self, position: int, fact: Fact, sameness: int) -> None:
        """`sameness` is equal for facts of the same words."""
        reason = self._reason(fact, sameness) if not self.full else "limit" if self._many else "budget"
        if reason is not None:
            self.left_out.append((fact.id, reason))
            self._misses += reason == "budget"
            return
        self._misses = 0
        self.taken.append(position)
        self.tokens += self._cost(fact)
        if (day := heading_of(fact)) is not None:
            self._days.add(day)
        self._sameness.add(sameness)
        self._texts.append((len(fact.text), fact.text))
        if fact.kind == "episode":
            self._tell(fact)

    def _tell(self, episode: Fact) -> None:
        self._told.update(source.message_id for source in episode.sources)

    def _reason(self, fact: Fact, sameness: int) -> str | None:
        if sameness in self._sameness or (fact.kind != "episode" and self._repeats(fact)):
            return "duplicate"
        if self.tokens + self._cost(fact) > self.budget:  # before the texts are searched, which costs more
            return "budget"
        if (reason := self.seen.has(fact)) is not None:
            return reason
        return "duplicate" if self._asks_the_same(fact) or self._nearly_told(fact) else None

    def _cost(self, fact: Fact) -> int:
        day = heading_of(fact)
        if day is None:
            return fact.tokens
        return max(fact.tokens - DATE_TOKENS, 1) + (0 if day in self._days else DAY_TOKENS)

    def _asks_the_same(self, fact: Fact) -> bool:
        """A question of the past that holds no word beyond this one says nothing; its answer would."""
        if fact.kind != "episode" or not fact.text.rstrip().endswith(("?", "？")):
            return False
        if len(fact.text) > MARGIN + LETTERS * len(self.asked):  # nearly all are too long to be looked into
            return False
        return self.asked.issuperset(self._terms(fact.text))

    def _nearly_told(self, fact: Fact) -> bool:
        """Whether the block says it but for a word or two that one of both leaves out. Where a word stands for another,
        or one text negates and the other does not, they say different things."""
        length = len(fact.text)
        for other, text in self._texts:
            if abs(other - length) > 2 * (1 - ALIKE) * length or not _overlap(fact.text, text):
                continue
            mine, theirs = self._terms(fact.text), self._terms(text)
            more, less = (mine, theirs) if len(mine) > len(theirs) else (theirs, mine)
            near = less <= more and len(less) >= WORDY and len(less) >= ALIKE * len(more)
            if near and not any(map(_counts, more - less)) and negates(text) == negates(fact.text):
                return True
        return False

    def _terms(self, text: str) -> frozenset[str]:
        if text not in self._words:
            self._words[text] = frozenset(terms(text))
        return self._words[text]

    def _repeats(self, statement: Fact) -> bool:
        """Whether its own message stands in the block or in the history already."""
        for noted in self._noted:
            if noted.kind == "episode" and self.seen.has(noted):
                self._tell(noted)
        self._noted = ()
        # What the person wrote themself may correct the message that it was first read in.
        return not statement.authored and any(source.message_id in self._told for source in statement.sources)

    def drop(self, facts: Iterable[Fact], reason: str) -> None:
        self.left_out += [(fact.id, reason) for fact in facts]


def _overlap(text: str, other: str) -> bool:
    """A quick look before the words are compared: of two pieces of one text at least one stands in the other."""
    pieces = (text[len(text) * place // 3 :][:OVERLAP] for place in (1, 2))
    return any(piece in other for piece in pieces)


def _counts(term: str) -> bool:
    return any(letter.isdigit() for letter in term)
