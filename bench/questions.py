"""What the measurements say: varied questions and statements, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

PEOPLE = ("sister", "brother", "mother", "father", "neighbour", "boss", "daughter", "son", "cousin", "teacher")
PLACES = ("Lisbon", "Oslo", "Kyoto", "Leeds", "Tampere", "Quito", "Ghent", "Porto", "Turin", "Cork", "Hanoi")
THINGS = ("bicycle", "piano", "garden", "visa", "laptop", "marathon", "novel", "allergy", "mortgage", "thesis")
DOINGS = ("repairing", "planning", "learning", "selling", "painting", "choosing", "organising", "tracking")
TIMES = ("tomorrow", "next week", "before Friday", "in March", "this summer", "tonight", "over the holidays")
OPENINGS = (
    "What did I tell you about {doing} the {thing} with my {person}?",
    "Can you help me with {doing} a {thing} in {place} {time}?",
    "Where was my {person} going to move, {place} or {other}, and who takes care of the {thing}?",
    "Remind me: which {thing} did I want to show my {person} {time}?",
    "Write a short note to my {person} about the {thing}, we meet in {place} {time}.",
    "How long does the train from {place} to {other} take, and can I take a {thing} along?",
)
STATEMENTS = (
    "My {person} lives in {place} and has been {doing} a {thing} since last year.",
    "I am {doing} a {thing} {time}, and my {person} helps me.",
    "We moved from {place} to {other}, mostly because of the {thing}.",
    "I don't like {other} much, but the {thing} market in {place} is wonderful.",
    "My favourite {thing} came from {place}; my {person} gave it to me.",
)


def questions(seed: int) -> Iterator[str]:
    """Without end, practically without repetition: each carries a number."""
    return _filled(OPENINGS, seed, "{number}: ")


def statements(seed: int) -> Iterator[str]:
    return _filled(STATEMENTS, seed, "{number}: ")


def _filled(forms: tuple[str, ...], seed: int, opening: str) -> Iterator[str]:
    chance = random.Random(seed)
    while True:
        yield opening.format(number=chance.randrange(10**6)) + chance.choice(forms).format(
            person=chance.choice(PEOPLE),
            place=chance.choice(PLACES),
            other=chance.choice(PLACES),
            thing=chance.choice(THINGS),
            doing=chance.choice(DOINGS),
            time=chance.choice(TIMES),
        )
