"""The words without which a pattern cannot match, read from the pattern itself.

Trying all patterns of a language takes a third of a millisecond for a text; a look at its words leaves one or two of
them. A need is a set of words one of which must stand in the text: `in (one|two) (days?|weeks?)` needs "in ", and "one"
or "two", and "day" or "week". What cannot be told is no need: at worst a pattern is tried in vain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

Need = frozenset[str]
Item = str | list[Need]
"""A character that must stand there, or what a group needs."""

DIGIT = "\\d"
"""Stands for any digit."""
_TOKEN = re.compile(r"\\.|\[(?:\\.|[^]])*]|\(\?P<\w+>|\(\?(?:[:=!]|<[=!])|\{\d+(?:,\d*)?}|.")
_OPTIONAL = ("?", "*", "{0")
_LOOKS = ("(?=", "(?!", "(?<=", "(?<!")


def needs(pattern: str) -> frozenset[Need]:
    return frozenset(_read(iter([*_TOKEN.findall(pattern), ")"])))


def lacking(text: str, wanted: frozenset[Need]) -> set[Need]:
    """Those that the text does not meet."""
    if re.search(DIGIT, text):
        text += DIGIT
    return {need for need in wanted if not _met(need, text)}


def _met(need: Need, text: str) -> bool:
    for word in need:  # noqa: SIM110 in half the time that `any` takes
        if word in text:
            return True
    return False


def _read(tokens: Iterator[str]) -> list[Need]:
    """Up to the bracket that closes."""
    branches: list[list[Item]] = [[]]
    for token in tokens:
        items = branches[-1]
        if token == ")":
            break
        if token == "|":
            branches.append([])
        elif token[0] == "(":
            inside = _read(tokens)
            items.append([] if token in _LOOKS else inside)
        elif token[0] in "?*+{":
            if token.startswith(_OPTIONAL):
                items.pop()
            items.append([])  # a word ends here
        else:
            items.append(_item(token))
    found = [_joined(items) for items in branches]
    return found[0] if len(found) == 1 else _one_of(found)


def _item(token: str) -> Item:
    if token == DIGIT:
        return [frozenset({DIGIT})]
    if token[0] == "[":
        signs = token[1:-1]
        return [] if re.search(r"[\\^-]", signs) else [frozenset(signs)]
    if token[0] == "\\":
        return [] if token[1].isalnum() else token[1]
    return [] if token in "^$." else token


def _joined(items: Sequence[Item]) -> list[Need]:
    """Characters side by side are a word."""
    found: list[Need] = []
    word = ""
    for item in (*items, list[Need]()):
        if isinstance(item, str):
            word += item
            continue
        if word.strip():
            found.append(frozenset({word}))
        word = ""
        found += item
    return found


def _one_of(branches: Sequence[Sequence[Need]]) -> list[Need]:
    """Of each branch what it needs most clearly; nothing where one of them needs nothing."""
    if not all(branches):
        return []
    words = frozenset[str]().union(*(min(branch, key=len) for branch in branches))
    return [frozenset(word for word in words if not any(other in word for other in words - {word}))]
