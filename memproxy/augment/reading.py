"""Reads one plain sentence by the rules of its language: what does the person state about themselves?

Rules are matched only where a clause begins, so that "she said I live in Rome" states nothing. A value is cut at the
end of its clause and must look like what the rule speaks of; when in doubt nothing was stated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from memproxy.augment.rules import Language, Pattern, Rule, Shape
from memproxy.augment.sentences import GAP, Sentence
from memproxy.dates.calendar import Day, Mention
from memproxy.domain import Claim

_FIELD = re.compile(r"\{(\w+?)(:one)?\}")
_EDGES = " \t.,;:!'’*_-–—"
_LEADS = 5
_LEAD_IN = 3
"""Characters between a date and the clause it opens: "On Friday, I …"."""
_CONFIDENCE = 0.9
"""Of a rule: below what the person enters themselves."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one rule found in one clause."""

    language: Language
    rule: Rule
    shape: Shape | None
    fields: Mapping[str, str]
    ended: bool = False
    day: Day | None = None

    def claim(self, message_id: str) -> Claim:
        rule = self.rule
        value = self._fill(rule.value, self.fields)
        fields = {"value": value, **self.fields, "when": ""}
        if rule.plan and self.day is not None:
            fields["when"] = self.language.calendar.say(self.day)
        return Claim(
            kind=rule.kind,
            attribute=self._fill(rule.attribute, fields).lower(),
            value=value,
            text=self._polished(self._fill(rule.ended_say if self.ended else rule.say, fields)),
            message_id=message_id,
            single=rule.single,
            ended=self.ended,
            valid_from=self.day.at if self.day is not None else None,
            confidence=_CONFIDENCE,
            triple=self._triple(),
        )

    def _triple(self) -> tuple[str, str, str] | None:
        if self.rule.triple is None or self.ended:
            return None
        object_ = self.fields.get("value") or self._fill(self.rule.value, self.fields)
        return ("user", self._fill(self.rule.triple, self.fields), object_)

    def _fill(self, template: str, fields: Mapping[str, str]) -> str:
        def entry(found: re.Match[str]) -> str:
            text = fields.get(found[1], "")
            return self.language.singular.get(text.lower(), text) if found[2] else text

        return " ".join(_FIELD.sub(entry, template).split())

    def _polished(self, text: str) -> str:
        for old, new in self.language.polish:
            text = old.sub(new, text)
        return text


def read(sentence: Sentence, language: Language, *, said: date) -> Iterator[Statement]:
    """What the person states in the sentence, said on that day."""
    for clause in _clauses(sentence.text[: sentence.plain], language, said):
        yield from clause.by_rules(language.rules)
    # "How do I thank my wife Ana?" asks, and yet takes it for granted who Ana is.
    for clause in _mentions(sentence.text, language, said):
        yield from clause.by_rules([rule for rule in language.rules if rule.anywhere])


def correct(sentence: Sentence, before: Statement, *, said: date) -> Statement | None:
    """The statement made before, where the sentence gives it another value: "actually it's …"."""
    if before.shape is None or not before.rule.single:
        return None
    text = sentence.text[: sentence.plain]
    clause = _Clause(text, 0, before.language, said, tuple(before.language.calendar.find(text)))
    for pattern in before.language.correction:
        if found := pattern.regex.match(text):
            for value in clause.values(found, before.shape, before.rule):
                return replace(before, fields={**before.fields, **value}, ended=False)
    return None


@dataclass(frozen=True, slots=True)
class _Clause:
    sentence: str
    start: int
    language: Language
    said: date
    dates: tuple[Mention, ...]

    def by_rules(self, rules: Sequence[Rule]) -> Iterator[Statement]:
        """The first rule that holds for an attribute is the only one."""
        done: set[str] = set()
        for rule in rules:
            if rule.attribute in done or (rule.opening is not None and not rule.opening.search(self.sentence)):
                continue
            for statement in self.by_rule(rule):
                done.add(rule.attribute)
                yield statement

    def by_rule(self, rule: Rule) -> Iterator[Statement]:
        for ended, patterns in ((True, rule.ended), (False, rule.match)):
            for pattern in patterns:
                found = pattern.regex.match(self.sentence, self.start)
                statements = [] if found is None else list(self._statements(rule, pattern, found, ended))
                if statements:
                    yield from statements
                    return

    def _statements(self, rule: Rule, pattern: Pattern, found: re.Match[str], ended: bool) -> Iterator[Statement]:
        if self.language.guards["after"].search(self.sentence, self._end(found)):
            return
        day = self._day(rule)
        if rule.needs_date and day is None:
            return
        for fields in self.values(found, pattern.shape, rule):
            statement = Statement(self.language, rule, pattern.shape, fields, ended, day)
            if rule.refuse is None or not rule.refuse.search(statement.claim("").value):
                yield statement

    def _end(self, found: re.Match[str]) -> int:
        """A value may reach to the end of the sentence; a guard looks at all after its beginning."""
        return found.start("value") if "value" in found.re.groupindex else found.end()

    def _day(self, rule: Rule) -> Day | None:
        if not (rule.dated or rule.plan):
            return None
        mention = self._mention()
        day = self.language.calendar.resolve(mention, said=self.said, ahead=rule.plan) if mention else None
        if day is None or ((day.date - self.said).days <= 1 if rule.dated else _lies_ahead(day, self.said)):
            return day
        return None

    def _mention(self) -> Mention | None:
        """The first date within the clause, or the one that it began with."""
        for mention in self.dates:
            if mention.start >= self.start:
                return None if self._ends_before(mention.start) else mention
            if self.start - mention.end <= _LEAD_IN:
                return mention
        return None

    def _ends_before(self, at: int) -> bool:
        """Whether the person begins another clause before that place."""
        borders = self.language.text["clause"].finditer(self.sentence, self.start, at)
        return any(self.language.text["subject"].match(self.sentence, border.end()) for border in borders)

    def values(self, found: re.Match[str], shape: Shape | None, rule: Rule) -> Iterator[Mapping[str, str]]:
        """The fields of each value that the match holds."""
        fields = {name: text for name, text in found.groupdict().items() if text is not None}
        if rule.many is not None:
            for text in self._listed(found, rule.many):
                yield {**fields, rule.many: text}
        elif shape is None:
            yield fields
        elif shape.date:
            if birthday := self._birthday(found.start("value")):
                yield {**fields, "value": birthday}
        else:
            for value in self._shaped(found, shape, rule):
                yield {**fields, "value": value}

    def _listed(self, found: re.Match[str], words: str) -> Iterator[str]:
        """The word that was found, and those in a list after it."""
        yield found[words]
        at = found.end(words)
        while separator := self.language.separator.match(self.sentence, at):
            word = self.language.words[words].match(self.sentence, separator.end())
            if word is None:
                return
            yield word[0]
            at = word.end()

    def _birthday(self, at: int) -> str | None:
        mention = next((d for d in self.dates if d.start <= at + 1 and at < d.end), None)
        if mention is None or ("month" not in mention.groups and "number" not in mention.groups):
            return None
        day = self.language.calendar.resolve(mention, said=self.said, ahead=False)
        return self.language.calendar.birthday(day) if day is not None and day.unit == "day" else None

    def _shaped(self, found: re.Match[str], shape: Shape, rule: Rule) -> Iterator[str]:
        raw = self._without_dates(found, rule)
        casual = not rule.strict and self.sentence.islower()
        for value in _cut(raw, shape):
            if not looks_right(value, shape, casual):
                return
            yield value

    def _without_dates(self, found: re.Match[str], rule: Rule) -> str:
        """The value's text. A plan goes on after its date ("on Friday to Rome"); any other value ends there."""
        start, end = found.span("value")
        pieces = []
        for mention in self.dates:
            if start <= mention.start < end:
                pieces.append(self.sentence[start : mention.start])
                start = mention.end
                if not rule.plan:
                    return pieces[0]
        rest = self.sentence[start:end]
        # "today's session", "3–5 May": the date was not a phrase of its own, and the plan ends there.
        return " ".join("".join([*pieces, rest if not pieces or rest.startswith(" ") else ""]).split())


_LENGTH = {"day": 1, "week": 7, "weekend": 2, "month": 31, "year": 366}


def _lies_ahead(day: Day, said: date) -> bool:
    """Whether a plan is for later: what is for today is over when it is remembered. Nobody names a day ten months off
    without its year: that one has just passed."""
    away = (day.date - said).days
    if not day.year_said and away > 300:
        return False
    return away + _LENGTH[day.unit] > 1


def _cut(raw: str, shape: Shape) -> list[str]:
    if shape.take is not None:
        taken = shape.take.match(raw)
        # Who writes without capitals still ends a name at the end of the clause.
        raw = taken[0] if taken else re.split(r"[,.;!]| (?:and|but|so)\b", raw, maxsplit=1)[0]
    if shape.cut is not None and (cut := shape.cut.search(raw)):
        kept = shape.keep.match(raw, cut.start()) if shape.keep is not None else None
        raw = raw[: kept.end() if kept else cut.start()]
    pieces = shape.many.split(raw) if shape.many is not None else [raw]
    return [piece.strip(_EDGES) for piece in pieces]


def looks_right(value: str, shape: Shape, casual: bool) -> bool:
    if not value or len(value) > shape.length or len(value.split()) > shape.words or GAP in value:
        return False
    accepted = shape.accept or shape.take
    if (
        accepted is not None
        and not accepted.fullmatch(value)
        and not (casual and shape.casual is not None and shape.casual.fullmatch(value))
    ):
        return False
    return shape.refuse is None or not shape.refuse.search(value)


def _clauses(sentence: str, language: Language, said: date) -> Iterator[_Clause]:
    """Where a clause begins with the person, up to where the sentence turns out to be no plain statement."""
    dates: tuple[Mention, ...] | None = None
    starts = [0, *(border.end() for border in language.text["clause"].finditer(sentence))]
    for start in starts:
        start = _after_leads(sentence, start, language)
        if language.guards["before"].search(sentence, 0, start):
            return
        if dates is None:
            dates = tuple(language.calendar.find(sentence))
        first = next((d for d in dates if d.start <= start < d.end), None)
        if first is not None:
            start = _after_leads(sentence, first.end, language)
        start = _skip_spaces(sentence, start)
        if language.text["subject"].match(sentence, start):
            yield _Clause(sentence, start, language, said, dates)


def _mentions(sentence: str, language: Language, said: date) -> Iterator[_Clause]:
    """Where the person speaks of someone as theirs, wherever in a sentence, unless they quote."""
    for found in language.text["own"].finditer(sentence):
        if language.guards["quoting"].search(sentence, 0, found.start()):
            return
        yield _Clause(sentence, found.start(), language, said, ())


def _after_leads(sentence: str, start: int, language: Language) -> int:
    start = _skip_spaces(sentence, start)
    for _ in range(_LEADS):
        lead = language.text["lead"].match(sentence, start)
        if lead is None or lead.end() == start:
            break
        start = lead.end()
    return start


def _skip_spaces(sentence: str, start: int) -> int:
    while start < len(sentence) and sentence[start] in " ,，":
        start += 1
    return start
