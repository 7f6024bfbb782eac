"""Keeps every message as verbatim episodes: long ones in pieces that a question can match.

A vector of a whole page says little about each of its sentences, and a block has room for few pages: pieces of 60 words
put more answers into 512 tokens than pieces of 110 did, at the same rank. They end where a sentence or a line ends, as
far as possible, and together they hold every word of the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memproxy.domain import Fact, Message, Scope, Source
from memproxy.ids import new_id

WORDS = 60
IDEOGRAPHS = 110
"""Scripts without spaces: a piece holds about so many characters of them."""
FULL = WORDS * IDEOGRAPHS
"""The weight of a full piece, in which a word and an ideograph both weigh a whole number."""
LONGEST = 900
"""Characters of a piece, whatever they are: a megabyte without a space is cut too."""

_IDEOGRAPH = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f\U00020000-\U0003ffff"
_UNIT = re.compile(f"[{_IDEOGRAPH}]|[^\\s{_IDEOGRAPH}]+")
_SENTENCE = re.compile(
    rf".{{1,{LONGEST}}}?(?:[.!?…]+[\"'”’)\]]*(?=\s)|[。！？!?]+[”」』）]*|\n+|\Z)\s*|.{{1,{LONGEST}}}", re.DOTALL
)


def episode(message: Message, piece: str, place: tuple[int, int], *, scope: Scope, session: str) -> Fact:
    """The fact that keeps one piece of a message, without tokens or embedding. `place`: which of how many."""
    number, total = place
    return Fact(
        id=new_id(),
        kind="episode",
        text=piece,
        tokens=0,
        first_seen=message.created_at,
        last_seen=message.created_at,
        speaker=message.name,
        role=message.role,
        process=scope.process,
        sources=(Source(message.id, session, message.public_id),),
        metadata={"chunk": f"{number}/{total}"} if total > 1 else {},
    )


def pieces(message: Message) -> Iterator[str]:
    """What to keep of a message. A tool's output is not the word of either side and is kept as a message only."""
    return chunks(message.text) if message.role != "tool" else iter(())


def chunks(text: str) -> Iterator[str]:
    """The text in pieces of about 60 words, each a verbatim slice of it."""
    start, end, held = 0, 0, 0
    for first, last in _sentences(text):
        weight = _weight(text[first:last])
        if held and (held + weight > FULL or last - start > LONGEST):
            yield from _stripped(text[start:end])
            start, held = first, 0
        held += weight
        end = last
    yield from _stripped(text[start:end])


def _stripped(piece: str) -> Iterator[str]:
    if clean := piece.strip():
        yield clean


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Borders of the sentences; one that fills more than a piece is cut between words."""
    for found in _SENTENCE.finditer(text):
        yield from _parts(text, found.start(), found.end())


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    held, first = 0, start
    for unit in _UNIT.finditer(text, start, end):
        if held >= FULL:
            yield first, unit.start()
            first, held = unit.start(), 0
        held += _unit_weight(unit[0])
    yield first, end


def _weight(text: str) -> int:
    """How much of a piece's `FULL` the text takes."""
    return sum(map(_unit_weight, _UNIT.findall(text)))


def _unit_weight(unit: str) -> int:
    return WORDS if len(unit) == 1 and _IDEOGRAPHS.match(unit) else IDEOGRAPHS


_IDEOGRAPHS = re.compile(f"[{_IDEOGRAPH}]")
