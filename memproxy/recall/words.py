"""Text to index terms: what counts as the same word for lexical search.

Casefolded, Latin diacritics stripped, English inflections cut off by rule, function words left out. Text without spaces
between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) is cut into words by ICU's dictionaries (`icu4py`). A cut
depends a little on what stands around a word, 住在 is one word where 住 was another, so the ideographs of a word are
terms as well; `docs/why/languages.md` has the measurements. Queries pass through the same rules.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from importlib.resources import files

from icu4py.breakers import WordBreaker

from memproxy.recall.cached import cached

_IDEOGRAPH = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
SPACELESS = f"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff{_IDEOGRAPH}"
_WORD = re.compile(rf"[{SPACELESS}]+|[^\W_{SPACELESS}]+")
_ASCII_WORD = re.compile("[a-z0-9]+")
_SPACELESS = re.compile(f"[{SPACELESS}]+")
_IS_SPACELESS = re.compile(f"[{SPACELESS}]").match
_IDEOGRAPHS = re.compile(f"[{_IDEOGRAPH}]")
_INFLECTION = re.compile("[\u3041-\u309f]").fullmatch
"""A single hiragana is the end of a verb or a particle."""
_MARKS = re.compile("[\u0300-\u036f]+")

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nothing|without|cannot)\b|n['’]t\b|[不没非无]|ない|ません|ไม่", re.IGNORECASE
)

STOP = frozenset(files("memproxy.recall").joinpath("function_words.txt").read_text().split())
"""They stand in every sentence; a match on them says nothing, least of all in a small memory where idf is noise."""


def terms(text: str) -> list[str]:
    """The index terms of a text in their order, repeated where they repeat."""
    if text.isascii():  # the same words in half the time
        return [stem(word) for word in _ASCII_WORD.findall(text.lower()) if word not in STOP]
    found: list[str] = []
    for word in _WORD.findall(folded(text)):
        if not word.isascii() and _IS_SPACELESS(word):
            found += _cut(word)
        elif word not in STOP:
            found.append(stem(word))
    return found


def _cut(run: str) -> Iterator[str]:
    """The words of a run of text without spaces, and the ideographs in them."""
    for word in WordBreaker(run, "en"):  # the locale makes no difference to the dictionaries
        if word in STOP or _INFLECTION(word):
            continue
        yield word
        if len(word) > 1:
            yield from (sign for sign in _IDEOGRAPHS.findall(word) if sign not in STOP)


def spaceless(text: str) -> bool:
    """Whether the text is chiefly in a script without spaces."""
    return not text.isascii() and 2 * sum(map(len, _SPACELESS.findall(text))) > len(text)


def negates(text: str) -> bool:
    """Whether the text says no to something. Negations are function words, yet two texts that differ in one differ."""
    return bool(_NEGATION.search(text))


def folded(text: str) -> str:
    """Casefolded, without Latin diacritics; composed again, because decomposed Hangul would fall apart into letters."""
    if text.isascii():
        return text.casefold()
    plain = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold())))
    # Unicode takes these Thai and Lao vowels apart for good, and no dictionary knows the pieces.
    return plain.replace("\u0e4d\u0e32", "\u0e33").replace("\u0ecd\u0eb2", "\u0eb3")


@cached(size=1 << 16)
def stem(word: str) -> str:
    """Cut plural, -ing and -ed: `hikes`, `hiking` and `hiked` meet in `hik`. Words beyond ASCII stay as they are."""
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    return _without_e(_without_suffix(_singular(word)))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _without_suffix(word: str) -> str:
    for suffix in ("ing", "ed"):
        root = word.removesuffix(suffix)
        if root != word and len(root) > 2 and any(letter in "aeiouy" for letter in root):
            return root[:-1] if root[-1] == root[-2] and root[-1] not in "lsz" else root
    return word


def _without_e(word: str) -> str:
    word = word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word
    return word[:-1] if word.endswith("e") and len(word) > 3 else word
