"""Reconciles what was just claimed with what is known: pure, and indifferent to the order in which messages arrive.

The statements about one thing form a timeline, ordered by when they were made, not by when they were imported:

    home    ── Berlin (Jan–Mar) ──► Lisbon (May–)         a new value supersedes the one before it
                        ▲
              Rome (Apr, imported later)                    is put in between: closed from the start

- The same value again is a mention: counted, its source added.
- Another value of a single-valued attribute, the opposite of a liking, and "not any more" are *rivals*: the one stated
  last is current, the others stay in the history, closed, each pointing to what superseded it.
- What was forgotten is not learned again from messages, unless the person has written it themself since.
- What the person has written or corrected is the newest statement of its time: older messages find their place before
  it, newer ones go on from it. What was corrected away stays so for every message older than the correction.
- Nothing was said later than now, whatever a client's clock says.
- A message that a fact already has among its sources changes nothing, so a page may be processed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from memproxy.augment.statements import ENDED, Stated
from memproxy.domain import Claim, Event, Fact, FactState, Message, Scope, Source, Triple
from memproxy.ids import new_id


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What is to be written: facts new or changed (without tokens and embedding where new), triples, events."""

    facts: tuple[Fact, ...] = ()
    triples: tuple[Triple, ...] = ()
    events: tuple[Event, ...] = ()
    refused: tuple[Claim, ...] = ()
    """Claims of what was forgotten."""


def superseders(known: Sequence[Fact]) -> list[str]:
    """The facts that must be known too: by what these were superseded tells whether the person corrected them."""
    held = {fact.id for fact in known}
    return sorted({fact.superseded_by for fact in known if fact.superseded_by is not None} - held)


def reconcile(
    known: Sequence[Fact],
    claims: Sequence[Claim],
    messages: Mapping[str, Message],
    *,
    scope: Scope,
    session: str,
    now: datetime,
) -> Reconciled:
    """Apply the claims to what is known of what they are `asked` about. `messages` are those they were read in, by
    id."""
    ledger = _Ledger({fact.id: fact for fact in known}, scope, session, now)
    for claim in sorted(claims, key=lambda claim: messages[claim.message_id].created_at):
        ledger.take(claim, messages[claim.message_id])
    return ledger.result()


def author(known: Sequence[Fact], fact: Fact, claim: Claim, *, now: datetime) -> Reconciled:
    """What the person's own fact, which makes that claim now, does to the rest: what cannot hold together with it is
    closed."""
    ledger = _Ledger({other.id: other for other in known}, Scope("", ""), "", now)
    ledger.put(fact)
    ledger.close_rivals(Stated.of(claim, now), fact)
    return ledger.result()


@dataclass(slots=True)
class _Ledger:
    """The facts as they become, and what was changed about them."""

    facts: dict[str, Fact]
    scope: Scope
    session: str
    now: datetime
    changed: dict[str, Fact] = field(default_factory=dict)
    triples: list[Triple] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    refused: list[Claim] = field(default_factory=list)

    def result(self) -> Reconciled:
        return Reconciled(tuple(self.changed.values()), tuple(self.triples), tuple(self.events), tuple(self.refused))

    def take(self, claim: Claim, message: Message) -> None:
        stated = Stated.of(claim, min(message.created_at, self.now))
        told = [fact for fact in self.facts.values() if stated.is_about(fact)]
        if any(source.message_id == message.id for fact in told for source in fact.sources):
            return
        if self._is_forgotten(stated, told):
            self.refused.append(claim)
            return
        corrected = next((fact for fact in told if self._was_corrected(fact, stated)), None)
        line = [fact for fact in self.facts.values() if stated.concerns(fact)]
        if corrected is not None:
            self._mention(corrected, stated, message)
        elif any(fact.last_seen > stated.at for fact in line):
            self._take_past(stated, message, line)
        else:
            self._take_newest(stated, message, line)

    def _is_forgotten(self, stated: Stated, told: list[Fact]) -> bool:
        if any(fact.authored for fact in told):
            return False
        return any(stated.is_forgotten_by(fact) for fact in self.facts.values())

    def _was_corrected(self, fact: Fact, stated: Stated) -> bool:
        """Whether the person put other words in the place of this fact after the statement was made."""
        by = self.facts.get(fact.superseded_by or "")
        if by is None or not by.authored or fact.valid_to is None:
            return False
        return stated.at < fact.valid_to and stated.is_same(fact)

    def _take_newest(self, stated: Stated, message: Message, line: list[Fact]) -> None:
        """Nothing was stated later: this is what holds now."""
        newest = max(line, key=_last, default=None)
        if newest is not None and newest.state is FactState.CURRENT and stated.is_same(newest):
            self._mention(newest, stated, message)
            return
        self.close_rivals(stated, self._insert(stated, message))

    def close_rivals(self, stated: Stated, by: Fact) -> None:
        for other in list(self.facts.values()):
            if other.id != by.id and other.state is FactState.CURRENT and stated.concerns(other):
                self._close(other, by)

    def _take_past(self, stated: Stated, message: Message, line: list[Fact]) -> None:
        """A message imported late: its statement finds its place among those already known and changes nothing about
        what holds now."""
        at = stated.at
        spanning = sorted((f for f in line if f.first_seen <= at < f.last_seen), key=stated.is_same, reverse=True)
        before = max((f for f in line if f.last_seen <= at), key=_last, default=None)
        after = min((f for f in line if f.first_seen > at), key=_first, default=None)
        next_ = spanning[0] if spanning else after
        for neighbour in (next_ if spanning else before, next_):
            if neighbour is not None and stated.is_same(neighbour):
                self._mention(neighbour, stated, message)
                return
        fact = self._insert(stated, message)
        if before is not None and not spanning:
            self._close(before, fact)
        if next_ is not None:
            self._close(fact, next_)

    def _mention(self, fact: Fact, stated: Stated, message: Message) -> None:
        claim, at = stated.claim, stated.at
        dated = (
            not fact.authored
            and at >= fact.last_seen
            and claim.valid_from is not None
            and claim.valid_from != fact.valid_from
        )
        said = replace(
            fact,
            mentions=fact.mentions + 1,
            first_seen=min(fact.first_seen, at),
            last_seen=max(fact.last_seen, at),
            sources=(*fact.sources, self._source(message)),
        )
        if dated:  # the text may name the date
            vector = fact.embedding if claim.text == fact.text else None
            said = replace(said, valid_from=claim.valid_from, text=claim.text, embedding=vector)
        self.put(said)
        self._note(said, "mentioned", "said again", fact.text, said.text)

    def _insert(self, stated: Stated, message: Message) -> Fact:
        fact = self._fact(stated, message)
        self.put(fact)
        self._note(fact, "created", "said by the person", None, fact.text)
        if stated.claim.triple is not None:
            self.triples.append(Triple(new_id(), *stated.claim.triple, fact_id=fact.id))
        return fact

    def _close(self, old: Fact, by: Fact) -> None:
        ended = max(by.valid_from or by.first_seen, old.valid_from or old.first_seen)
        self.put(replace(old, state=FactState.SUPERSEDED, valid_to=ended, superseded_by=by.id))
        # An event holds the words of its own fact alone: what is forgotten must not live on in the history of another.
        self._note(old, "superseded", _reason(by), old.text, None)

    def _fact(self, stated: Stated, message: Message) -> Fact:
        claim, at = stated.claim, stated.at
        return Fact(
            id=new_id(),
            kind=claim.kind,
            text=claim.text,
            tokens=0,
            first_seen=at,
            last_seen=at,
            attribute=stated.attribute,
            value=stated.value,
            speaker=message.name,
            role=message.role,
            process=self.scope.process,
            valid_from=claim.valid_from,
            confidence=claim.confidence,
            sources=(self._source(message),),
        )

    def _source(self, message: Message) -> Source:
        return Source(message.id, self.session, message.public_id)

    def put(self, fact: Fact) -> None:
        self.facts[fact.id] = self.changed[fact.id] = fact

    def _note(self, fact: Fact, action: str, reason: str, before: str | None, after: str | None) -> None:
        self.events.append(Event(new_id(), fact.id, action, reason, before, after, self.now))


def _first(fact: Fact) -> tuple[datetime, str]:
    return (fact.first_seen, fact.id)


def _last(fact: Fact) -> tuple[datetime, bool, str]:
    """Of two that were stated at once, the one that holds is the later."""
    return (fact.last_seen, fact.state is FactState.CURRENT, fact.id)


def _reason(by: Fact) -> str:
    if by.authored:
        return "the person's own words"
    return "the person said that it no longer holds" if (by.attribute or "").startswith(ENDED) else "a newer statement"
