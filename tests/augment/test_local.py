"""Whatever the text, extraction ends soon, raises nothing, and says no more than one short line at a time."""

from __future__ import annotations

import re
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memproxy.augment.rules import Language, Pattern, languages
from memproxy.augment.sentences import LONGEST, SENTENCES, sentences

from .said import WEDNESDAY, said

LANGUAGES = languages()

FRAGMENTS = [
    "I live in ",
    "My name is ",
    "I'm ",
    "my wife ",
    '"',
    "`",
    "```",
    "\n",
    ". ",
    ", and ",
    "我住在",
    "我叫",
    "。",
]
FRAGMENTS += [
    "next Friday",
    "31 June",
    "99 years ago",
    "2月30日",
    "9999-12-31",
    "in 999 months",
    "\0",
    "\ud800",
    "🦊",
    "Bob",
]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_arbitrary_text_never_raises(text: str) -> None:
    said(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), max_size=40),
    st.sampled_from((WEDNESDAY, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))),
)
def test_arbitrary_mixtures_of_statements_and_noise_never_raise(parts: list[str], at: datetime) -> None:
    for claim in said("".join(parts), at=at):
        assert claim.text.strip() == claim.text != ""
        assert not re.search(r"[\n\r\t<>]", claim.text + claim.value)
        assert len(claim.text) < 200


@pytest.mark.parametrize(
    "unit", ["a", "I live in ", '"', "I'm ", "my ", "```", "> ", "[", "I like a, ", "我", "。", "\n", "Mr."]
)
def test_a_megabyte_costs_no_more_than_its_bounded_beginning(unit: str) -> None:
    text = (unit * 1_000_000)[:1_000_000]
    for language in LANGUAGES:
        read = list(sentences(text, language))
        assert len(read) <= SENTENCES
        assert all(len(sentence.text) <= LONGEST for sentence in read)
    said(text)


def test_no_rule_can_run_away() -> None:
    """Work explodes where a repetition that may grow holds another one. The rules' own repetitions are all small, so
    that only a nest of two unbounded ones can; there is none."""
    for language in LANGUAGES:
        for regex in _regexes(language):
            assert not _nested(parser.parse(regex.pattern, regex.flags)), regex.pattern


def test_every_rule_says_something_of_every_field_that_it_takes() -> None:
    for language in LANGUAGES:
        for rule in language.rules:
            assert rule.match or rule.ended
            assert not rule.ended or rule.ended_say
            assert rule.kind in ("profile", "preference", "event", "relationship", "skill")


def test_there_are_rules_for_english_and_chinese() -> None:
    assert [language.name for language in LANGUAGES] == ["en", "zh"]


def _regexes(language: Language) -> Iterator[re.Pattern[str]]:
    yield from (*language.text.values(), *language.guards.values(), language.sign, language.separator)
    for rule in language.rules:
        yield from (pattern.regex for pattern in (*rule.match, *rule.ended))
        for pattern in (*rule.match, *rule.ended):
            yield from _of_shape(pattern)


def _of_shape(pattern: Pattern) -> Iterator[re.Pattern[str]]:
    shape = pattern.shape
    if shape is not None:
        yield from (
            r for r in (shape.cut, shape.keep, shape.take, shape.accept, shape.refuse, shape.many) if r is not None
        )


def _nested(tree: Any, inside: bool = False) -> bool:
    for operation, argument in tree:
        growing = operation in (parser.MAX_REPEAT, parser.MIN_REPEAT) and argument[1] is parser.MAXREPEAT
        if growing and inside:
            return True
        if any(_nested(part, inside or growing) for part in _parts(argument)):
            return True
    return False


def _parts(argument: Any) -> Iterator[Any]:
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for item in argument:
            yield from _parts(item)
