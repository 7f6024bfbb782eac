"""English words of like meaning: who asks about kids is answered by who speaks of children.

`related_words.txt` has a line per stem: up to four others with a closeness in percent. It was made from nothing but the
default model and the 11 000 commonest words of its own vocabulary, by `python -m bench.related`: no text went into it.
Words of other languages have no relatives here, so they are searched for as they stand.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

UNRELATED = 0.3
"""A closeness that means nothing: two words of any kind."""


def related(term: str) -> list[tuple[str, float]]:
    """Stems of like meaning, each with its share of an exact match, least first."""
    line = _lines().get(term)
    if line is None:
        return []
    pairs = (entry.split(":") for entry in line.split())
    return [(stem, (int(percent) / 100 - UNRELATED) / (1 - UNRELATED)) for stem, percent in pairs][::-1]


@cache
def _lines() -> dict[str, str]:
    """Lines are taken apart when they are asked for: most never are, and parts cost ten times the memory."""
    text = files("memproxy.recall").joinpath("related_words.txt").read_text()
    return dict(line.split(" ", 1) for line in text.splitlines())
