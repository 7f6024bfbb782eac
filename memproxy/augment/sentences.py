"""Finds in a message the plain statements that are the person's own, and leaves the rest alone.

Left out: code, quotations, what a page or a letter says (labels, headings, pasted documents), games and fiction,
questions and hypotheses. Everything is bounded, as a message may be a megabyte: only its beginning is scanned, in
sentences of limited length, and people say where they live in short ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from memproxy.augment.rules import Language

SCANNED = 4_000
"""Characters of a message that are read: beyond that it is a document."""
SENTENCES = 120
LONGEST = 400
"""Characters of a sentence that is read."""

GAP = "\ufffc"
"""Stands where something was taken out, so that no sentence is read across it."""

_NOT_OWN = re.compile(
    r"```.{0,8000}?(?:```|\Z)"  # a block of code, also one that was never closed
    r"|`[^`\n]{0,400}`"
    r'|["“„«「『《][^"”»」』》]{0,4000}["”»」』》]?'
    r"|(?<![\w'])'[^'\n]{1,200}'(?!\w)"
    r"|‘[^’\n]{1,200}’(?!\w)"
    r"|^[ \t]{0,8}>[^\n]*"  # a quoted line of a mail
    r"|\[[^\]\n]{0,400}\]"
    r"|<[^>\n]{1,200}>",
    re.DOTALL | re.MULTILINE,
)
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u200b": None})
_SPACES = re.compile(r"[^\S\n]+")
_QUESTION = re.compile(r"[?？]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the person's own, on one line. Up to `plain` characters of it state something; the rest asks."""

    text: str
    plain: int


def sentences(text: str, language: Language) -> Iterator[Sentence]:
    """The sentences of the text that are the person's own and speak of themselves."""
    text = _SPACES.sub(" ", _NOT_OWN.sub(GAP, text[:SCANNED])).translate(_APOSTROPHES)
    if language.guards["message"].search(text):
        return
    rest = language.guards["rest"].search(text)
    own = text[: rest.start()] if rest else text
    for sentence in islice(_split(own, language), SENTENCES):
        clear = not language.guards["noise"].search(sentence, 0, LONGEST)
        if clear and language.sign.search(sentence, 0, LONGEST):
            yield Sentence(sentence[:LONGEST], _plain(sentence, language))


def _split(text: str, language: Language) -> Iterator[str]:
    for line in text.split("\n"):
        if language.text["label"].match(line) and not language.text["own_label"].match(line):
            continue
        start = 0
        for end in language.text["ends"].finditer(line):
            yield line[start : end.end()].strip()
            start = end.end()
        yield line[start:].strip()


def _plain(sentence: str, language: Language) -> int:
    """How far the sentence states something: "I'm vegan, what can I eat?" does up to its comma."""
    turn = language.guards["turn"].search(sentence, 0, LONGEST)
    if turn is not None:
        return turn.start()
    if len(sentence) > LONGEST or _QUESTION.search(sentence) or language.guards["question"].search(sentence):
        return 0
    return len(sentence)
