"""What a pattern needs to match is read from the pattern, and leaves out nothing that would match."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memproxy.dates.calendar import calendars
from memproxy.dates.needs import DIGIT, lacking, needs

PATTERNS = [pattern for book in calendars(loose=True).values() for pattern, _ in book._patterns]


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (r"in (?P<count>one|two) (?P<unit>days?|weeks?)", [{"in "}, {"one", "two"}, {"day", "week"}]),
        (r"(?:on )?(?P<month>may|march|mar)\b", [{"may", "mar"}]),
        (r"(?:the |)last", [{"last"}]),
        (r"(?<!until )(?:no+t){0,2}x(?!y)", [{"x"}]),
        (r"(?:19|20)\d\d年", [{"19", "20"}, {DIGIT}, {"年"}]),
        (r"[月火]曜?", [{"月", "火"}]),
        (r"\d{1,3}|a", [{DIGIT, "a"}]),
        (r"[^a]|b", []),
        (r"\w+ a\ b", [{" a b"}]),
    ],
)
def test_words_that_must_stand_there_are_needed(pattern: str, needed: list[set[str]]) -> None:
    assert needs(pattern) == set(map(frozenset, needed))


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern[:40])
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_whatever_matches_has_what_is_needed(pattern: re.Pattern[str], data: st.DataObject) -> None:
    text = data.draw(st.from_regex(pattern))
    assert lacking(text, needs(pattern.pattern)) == set()


def test_each_pattern_needs_something() -> None:
    assert [pattern.pattern for pattern in PATTERNS if not needs(pattern.pattern)] == []


def test_a_text_without_a_needed_word_is_not_looked_through() -> None:
    wanted = needs("in (?:one|two) days")
    assert lacking("one day in two", wanted) == {frozenset({" days"})}
