"""What a statement is, and how the facts that are known relate to it.

A statement is an attribute with a value: `home` `lisbon`. Its end is a statement too, of the attribute's name with a
`~` before it. What has no attribute, a piece of a message or what the person wrote freely, is known by its words alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memproxy.augment.forgotten import digest, tombstone
from memproxy.domain import Claim, Fact, FactState

ENDED = "~"
"""Put before an attribute's name it makes that of the statement's end: `~home` `berlin`, "No longer lives in …"."""

WORDS = "="
"""Stands for the attribute of what has none: rows carry it, with a digest of their words, once these words are
forgotten or corrected away."""

_OPPOSITES = {"likes": "dislikes", "dislikes": "likes"}

Statement = tuple[str, str]


def normalised(value: str) -> str:
    """The identity of a value: letters' case, width and spacing do not count."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def words(piece: str) -> Statement:
    """How it is found whether exactly these words were forgotten or corrected away."""
    return WORDS, digest(WORDS, normalised(piece))


def stated_by(fact: Fact) -> Statement:
    """What the fact states, whether it holds or has ended."""
    if fact.attribute is None:
        return words(fact.text)
    return fact.attribute.removeprefix(ENDED), fact.value or ""


def buried(fact: Fact) -> Fact:
    """The fact as a tombstone, by which its statement is known again."""
    attribute, value = stated_by(fact)
    return tombstone(
        fact, attribute=fact.attribute or WORDS, value=value if attribute == WORDS else digest(attribute, value)
    )


def forgotten(statement: Statement) -> list[Statement]:
    """How the tombstones of a statement, and of its end, are found."""
    attribute, value = statement
    return [(name, digest(attribute, value)) for name in (attribute, ENDED + attribute)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What to ask `Memory.about` for. Whole attributes are asked for only where any of their facts may be a rival: a
    person has few homes, and may like a thousand things."""

    attributes: Sequence[str]
    statements: Sequence[Statement]


def asked(claims: Sequence[Claim]) -> Asked:
    """What must be known to reconcile these claims."""
    whole: set[str] = set()
    named: set[Statement] = set()
    for claim in claims:
        value = normalised(claim.value)
        if claim.single or (claim.ended and not value):
            whole.add(claim.attribute)
        names = (claim.attribute, _OPPOSITES.get(claim.attribute, claim.attribute))
        named.update((name, value) for name in names)
        named.update((ENDED + claim.attribute, ended) for ended in (value, ""))
        named.update(forgotten((claim.attribute, value)))
    return Asked(sorted(whole), sorted(one for one in named if one[0] not in whole))


@dataclass(frozen=True, slots=True)
class Stated:
    """A claim as it was stated, and how facts relate to it."""

    claim: Claim
    at: datetime
    attribute: str
    value: str

    @classmethod
    def of(cls, claim: Claim, at: datetime) -> Stated:
        attribute = ENDED + claim.attribute if claim.ended else claim.attribute
        return cls(claim, at, attribute, normalised(claim.value))

    def is_about(self, fact: Fact) -> bool:
        return (fact.attribute, fact.value) == (self.attribute, self.value)

    def is_same(self, fact: Fact) -> bool:
        return self.is_about(fact) and not self._other_day(fact)

    def _other_day(self, fact: Fact) -> bool:
        """A plan on another day is another plan: an exam in May, an exam in September."""
        days = (fact.valid_from, self.claim.valid_from)
        return self.claim.kind == "event" and None not in days and days[0] != days[1]

    def concerns(self, fact: Fact) -> bool:
        """Whether the fact stands on the same timeline: it says the same, or cannot hold together with this."""
        if fact.state is FactState.FORGOTTEN:
            return False
        return self.is_same(fact) or self._moved(fact) or self._contradicts(fact)

    def _moved(self, fact: Fact) -> bool:
        """The same plan, whose old day had not come when the new one was named, was moved."""
        return self.is_about(fact) and fact.valid_from is not None and fact.valid_from >= self.at

    def _contradicts(self, fact: Fact) -> bool:
        name, other = self.claim.attribute, fact.attribute or ""
        if self.claim.ended:
            return self._ends(fact)
        if other == ENDED + name:
            return fact.value in (self.value, "")
        if self.claim.single:
            return other == name
        return other == _OPPOSITES.get(name) and fact.value == self.value

    def _ends(self, fact: Fact) -> bool:
        """An end without a value ("I quit my job") ends whatever there was; "Lisbon" also ends "Lisbon, Portugal"."""
        if fact.attribute != self.claim.attribute:
            return False
        wider = self.claim.single and (fact.value or "").startswith(f"{self.value}, ")
        return wider or self.value in (fact.value, "")

    def is_forgotten_by(self, fact: Fact) -> bool:
        """A tombstone stands for the statement, and for its end, which would tell of it too."""
        told = (fact.attribute or "", fact.value or "")
        return fact.state is FactState.FORGOTTEN and told in forgotten((self.claim.attribute, self.value))
