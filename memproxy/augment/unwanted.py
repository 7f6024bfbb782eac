"""Which pieces of a message are not kept as episodes: what its owner had forgotten, or has corrected since.

Words that were forgotten are known again wherever they stand in full. A statement that was forgotten is known again by
the extractor, in whatever words; then the piece that holds its value goes, and where none does, the whole message: of
too much and too little, too much is the lesser harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from memproxy.augment.statements import WORDS, normalised, words
from memproxy.domain import Claim, Fact, FactState, Message


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a message with the digest of its words."""

    text: str
    digest: str

    @classmethod
    def of(cls, text: str) -> Piece:
        return cls(text, words(text)[1])


@dataclass(frozen=True, slots=True)
class Unwanted:
    """What is not to be kept of the messages of a page."""

    forgotten: frozenset[str]
    """Digests of words."""
    corrected: Mapping[str, datetime]
    """Digests of words that the person put others in the place of, and when."""
    refused: Mapping[str, Sequence[str]]
    """Values of forgotten statements, by the message that makes them."""

    @classmethod
    def of(cls, known: Sequence[Fact], refused: Sequence[Claim]) -> Unwanted:
        told = [(fact.value or "", fact) for fact in known if fact.attribute == WORDS]
        values: dict[str, list[str]] = {}
        for claim in refused:
            values.setdefault(claim.message_id, []).append(normalised(claim.value))
        return cls(
            frozenset(digest for digest, fact in told if fact.state is FactState.FORGOTTEN),
            {digest: fact.valid_to for digest, fact in told if fact.valid_to is not None},
            values,
        )

    def among(self, message: Message, cut: Sequence[Piece]) -> set[int]:
        """Which of a message's pieces go."""
        gone = {number for number, piece in enumerate(cut) if self._is_gone(piece, message)}
        for value in self.refused.get(message.id, ()):
            gone |= telling(value, [piece.text for piece in cut])
        return gone

    def _is_gone(self, piece: Piece, message: Message) -> bool:
        corrected = self.corrected.get(piece.digest)
        return piece.digest in self.forgotten or (corrected is not None and message.created_at < corrected)


def telling(value: str, texts: Sequence[str]) -> set[int]:
    """Which of all the pieces of a message that states the value tell it: those that hold it, else every one."""
    return (holding(value, texts) if len(texts) > 1 else set()) or set(range(len(texts)))


def holding(value: str, texts: Sequence[str]) -> set[int]:
    """Which of the pieces hold the value."""
    return {number for number, text in enumerate(texts) if value in normalised(text)}
