"""Rules as data: one TOML file per language in `rules/`, compiled here once and knowing nothing of any language.

A pattern is a regular expression in which `{name}` stands for an entry of one of the file's tables: a macro is pasted,
a list of words is captured under its name, a shape captures the rest of the sentence as the value and says how to cut
and check it. Adding a language is adding a file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from memproxy.dates.calendar import Calendar, calendars

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def _regex(source: str | None, flags: int = re.IGNORECASE) -> re.Pattern[str] | None:
    return re.compile(source, flags) if source else None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value looks like; `rules/en.toml` says what each field means."""

    cut: re.Pattern[str] | None = None
    keep: re.Pattern[str] | None = None
    take: re.Pattern[str] | None = None
    accept: re.Pattern[str] | None = None
    casual: re.Pattern[str] | None = None
    refuse: re.Pattern[str] | None = None
    many: re.Pattern[str] | None = None
    words: int = 6
    length: int = 80
    date: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    regex: re.Pattern[str]
    shape: Shape | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of statement: how it is said, and what it means."""

    attribute: str
    kind: str
    say: str
    ended_say: str
    match: tuple[Pattern, ...]
    ended: tuple[Pattern, ...]
    single: bool = False
    dated: bool = False
    plan: bool = False
    needs_date: bool = False
    strict: bool = False
    anywhere: bool = False
    value: str = "{value}"
    triple: str | None = None
    many: str | None = None
    opening: re.Pattern[str] | None = None
    refuse: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Language:
    """One file of rules, compiled."""

    name: str
    sign: re.Pattern[str]
    text: Mapping[str, re.Pattern[str]]
    guards: Mapping[str, re.Pattern[str]]
    rules: tuple[Rule, ...]
    correction: tuple[Pattern, ...]
    calendar: Calendar
    singular: Mapping[str, str]
    words: Mapping[str, re.Pattern[str]]
    separator: re.Pattern[str]
    polish: tuple[tuple[re.Pattern[str], str], ...] = field(repr=False, default=())


@cache
def languages() -> tuple[Language, ...]:
    """All languages there are rules for."""
    folder = files("memproxy.augment") / "rules"
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name)
    return tuple(_language(tomllib.loads(entry.read_text("utf-8"))) for entry in found)


def _language(data: dict[str, Any]) -> Language:
    words = {name: _alternatives(entries) for name, entries in data["words"].items()}
    book = _Book(data["macros"], words, {name: _shape(entry) for name, entry in data["shapes"].items()})
    compiled = {name: re.compile(source, re.IGNORECASE) for name, source in data["guards"].items()}
    return Language(
        name=data["language"],
        sign=re.compile(data["sign"], re.IGNORECASE),
        text={name: re.compile(source, re.IGNORECASE) for name, source in data["text"].items()},
        guards=compiled,
        rules=tuple(_rule(entry, book) for entry in data["rule"]),
        correction=tuple(book.pattern(source) for source in data["correction"]["match"]),
        calendar=calendars()[data["language"]],
        singular=data.get("singular", {}),
        words={name: re.compile(source, re.IGNORECASE) for name, source in words.items()},
        separator=re.compile(data["separator"], re.IGNORECASE),
        polish=tuple((re.compile(old), new) for old, new in data.get("polish", {}).items()),
    )


def _alternatives(entries: list[str]) -> str:
    """Longest first, so that "phd student" is not read as "student"."""
    return "|".join(map(re.escape, sorted(entries, key=len, reverse=True)))


def _shape(entry: dict[str, Any]) -> Shape:
    cased: dict[str, Any] = {name: _regex(entry.get(name), 0) for name in ("accept", "casual", "take", "keep")}
    loose: dict[str, Any] = {name: _regex(entry.get(name)) for name in ("cut", "refuse", "many")}
    rest: dict[str, Any] = {name: entry[name] for name in ("words", "length", "date") if name in entry}
    return Shape(**cased, **loose, **rest)


def _rule(entry: dict[str, Any], book: _Book) -> Rule:
    data = dict(entry)
    shape = data.pop("shape", None)
    for name in ("match", "ended"):
        data[name] = tuple(book.pattern(source, shape) for source in data.get(name, ()))
    for name in ("opening", "refuse"):
        data[name] = _regex(data.get(name))
    data.setdefault("ended_say", "")
    return Rule(**data)


@dataclass(frozen=True, slots=True)
class _Book:
    """What the placeholders of one file stand for."""

    macros: Mapping[str, str]
    words: Mapping[str, str]
    shapes: Mapping[str, Shape]

    def pattern(self, source: str, shape: str | None = None) -> Pattern:
        """`shape` is that of a value which the pattern itself captures."""
        regex = re.compile(_PLACEHOLDER.sub(self._expand, source), re.IGNORECASE)
        named = [name for name in _PLACEHOLDER.findall(source) if name in self.shapes]
        if not named and shape is not None and "value" in regex.groupindex:
            named = [shape]
        return Pattern(regex, self.shapes[named[0]] if named else None)

    def _expand(self, found: re.Match[str]) -> str:
        name = found[1]
        if name in self.macros:
            return _PLACEHOLDER.sub(self._expand, self.macros[name])
        if name in self.words:
            return f"(?P<{name}>{self.words[name]})"
        if name == "value" or name in self.shapes:
            return "(?P<value>.+)"
        raise KeyError(f"{{{name}}} is neither a macro nor words nor a shape")
