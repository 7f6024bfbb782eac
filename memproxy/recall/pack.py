"""Fills the block: ranked facts, best first, as long as they say something new and fit.

Left out, each with its reason for the receipt: what an earlier block of the session gave (`given`), what the history in
the request already says (`visible`), what another fact of the block says (`duplicate`), what scores too far below the
best (`floor`), what does not fit (`budget`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from memproxy.domain import Fact
from memproxy.recall.render import FRAME_TOKENS

MISSES = 12
"""Facts in a row that do not fit before the rest is not tried any more."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model has before it without any block of ours."""

    texts: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()

    def has(self, fact: Fact) -> str | None:
        """The reason to leave the fact out, if there is one."""
        if fact.id in self.given:
            return "given"
        return "visible" if any(fact.text in text for text in self.texts) else None


@dataclass(slots=True)
class Packing:
    """A block in the making."""

    budget: int
    limit: int
    seen: Seen
    tokens: int = FRAME_TOKENS
    taken: list[int] = field(default_factory=list)
    """Positions of the facts in the block, in the order offered."""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    _misses: int = 0
    _sameness: set[int] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)

    @property
    def full(self) -> bool:
        return len(self.taken) >= self.limit or self._misses >= MISSES

    def note(self, facts: Iterable[Fact]) -> None:
        """Messages that the model has before it word for word: statements taken from them say nothing new."""
        for fact in facts:
            if fact.kind == "episode" and self.seen.has(fact):
                self._tell(fact)

    def offer(self, position: int, fact: Fact, sameness: int) -> None:
        """`sameness` is equal for facts of the same words."""
        reason = self._reason(fact, sameness)
        if reason is not None:
            self.left_out.append((fact.id, reason))
            self._misses += reason == "budget"
            return
        self._misses = 0
        self.taken.append(position)
        self.tokens += fact.tokens
        self._sameness.add(sameness)
        if fact.kind == "episode":
            self._tell(fact)

    def _tell(self, episode: Fact) -> None:
        self._told.update(source.message_id for source in episode.sources)

    def _reason(self, fact: Fact, sameness: int) -> str | None:
        if sameness in self._sameness or self._repeats(fact):
            return "duplicate"
        if self.tokens + fact.tokens > self.budget:  # before the texts are searched, which costs more
            return "budget"
        return self.seen.has(fact)

    def _repeats(self, fact: Fact) -> bool:
        """A statement whose own message stands in the block or in the history already."""
        return fact.kind != "episode" and any(source.message_id in self._told for source in fact.sources)

    def drop(self, facts: Iterable[Fact], reason: str) -> None:
        self.left_out += [(fact.id, reason) for fact in facts]
