"""What the rules of extraction know of attributes, for statements that nobody said in a message.

Who writes a fact says it as in a chat, "I live in Lisbon", or as facts are shown, "Lives in Lisbon": then the rules'
own sentences, read backwards, tell its attribute and value. No model is asked, whatever extracts in the background.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from memproxy.augment.local import LocalExtractor
from memproxy.augment.reading import looks_right
from memproxy.augment.rules import Language, Rule, languages
from memproxy.domain import Message

_EXTRACTOR = LocalExtractor()
_FIELD = re.compile(r"\\\{(\w+)\\\}")


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence about the person states."""

    attribute: str
    value: str


def is_single(attribute: str) -> bool:
    """Whether it has one value at a time; an attribute that no rule knows may have many."""
    return any(rule.single and _fits(rule.attribute, attribute) for rule in _rules())


async def read(text: str) -> Told | None:
    """What the text states, where it states one thing that the rules know."""
    if shown := await asyncio.to_thread(_shown, text):
        return shown
    said = Message("", "user", text, b"", datetime.now(UTC))
    claims = await _EXTRACTOR.extract([said])
    if len(claims) != 1 or claims[0].ended:
        return None
    return Told(claims[0].attribute, claims[0].value)


def _shown(text: str) -> Told | None:
    """None where no rule would have said it so."""
    for rule, sentence in _sentences():
        if found := sentence.fullmatch(text.strip().rstrip(".。")):
            fields = found.groupdict()
            if _is_value(fields["value"], rule):
                return Told(rule.attribute.format_map(fields).lower(), fields["value"])
    return None


def _is_value(text: str, rule: Rule) -> bool:
    shapes = [pattern.shape for pattern in rule.match if pattern.shape is not None]
    return not shapes or any(shape.date or looks_right(text, shape, casual=False) for shape in shapes)


def _rules() -> list[Rule]:
    return [rule for language in languages() for rule in language.rules]


def _fits(template: str, attribute: str) -> bool:
    return re.fullmatch(_FIELD.sub(".+", re.escape(template)), attribute) is not None


@cache
def _sentences() -> list[tuple[Rule, re.Pattern[str]]]:
    """The sentences of rules whose value stands in them as it is."""
    return [
        (rule, _backwards(rule.say, language))
        for language in languages()
        for rule in language.rules
        if rule.value == "{value}" and "{value}" in rule.say and not rule.plan
    ]


def _backwards(say: str, language: Language) -> re.Pattern[str]:
    def group(found: re.Match[str]) -> str:
        name = found[1]
        return f"(?P<{name}>{language.words[name].pattern if name in language.words else '.+'})"

    return re.compile(_FIELD.sub(group, re.escape(say)), re.IGNORECASE)
