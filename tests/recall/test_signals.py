"""What speaks for a fact, seen on memories of a few messages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from memproxy.domain import Fact, Source
from memproxy.recall import signals
from memproxy.recall.candidates import Candidates, Filter, gather
from memproxy.recall.entity_memory import EntityMemory
from memproxy.recall.question import Question, read
from memproxy.testing.store_samples import NOON, after, fact

EVERYTHING = Filter(at=after(10**9).timestamp())


def said(number: int, text: str, *, session: str = "s1", days: int = 0, **fields: object) -> Fact:
    at = NOON + timedelta(days=days)
    return fact(number, number=number, text=text, sources=(Source(f"m{number}", session),), at=at, **fields)


def asked(text: str, *facts: Fact, cosines: dict[int, float] | None = None) -> tuple[Candidates, Question]:
    """All the facts as candidates, in their order."""
    held = EntityMemory()
    held.apply(facts)
    question = read(text, held.speakers)
    near = sorted(((n.number, (cosines or {}).get(n.number, 0.1)) for n in facts), key=lambda pair: -pair[1])
    return gather(held, near, held.match(question.terms), EVERYTHING, question), question


def measure(signal: signals.Signal, text: str, *facts: Fact, cosines: dict[int, float] | None = None) -> list[float]:
    return signal(*asked(text, *facts, cosines=cosines)).tolist()


ANNA = {"speaker": "Anna"}
BOB = {"speaker": "Bob"}


def test_the_nearest_is_worth_the_same_whatever_its_cosine():
    for best in (0.2, 0.8):
        assert max(measure(signals.nearest, "tea?", said(1, "a"), said(2, "b"), cosines={1: best})) == pytest.approx(1)


def test_an_answer_is_known_by_the_question_before_it():
    facts = said(1, "Where do you live?", **ANNA), said(2, "In Porto.", **BOB), said(3, "Nice!", **ANNA)
    assert measure(signals.reply, "home?", *facts, cosines={1: 0.9}) == pytest.approx([0, 0.9, 0])


def test_a_prompt_is_known_by_the_answer_after_it():
    facts = said(1, "And the other one?"), said(2, "The train to Porto leaves at 8.", role="assistant")
    assert measure(signals.prompted, "train?", *facts, cosines={2: 0.9}) == pytest.approx([0.9, 0])


def test_a_conversation_shares_its_best_cosine_with_all_of_it():
    facts = said(1, "a"), said(2, "b"), said(3, "c"), said(4, "d"), said(5, "e"), said(6, "f", session="s2")
    assert measure(signals.conversation, "x?", *facts, cosines={1: 0.9}) == pytest.approx([0.9] * 5 + [0.1])


def test_a_conversation_shares_its_words_with_all_of_it():
    facts = said(1, "tea"), said(2, "b"), said(3, "c"), said(4, "d"), said(5, "e"), said(6, "f", session="s2")
    near, far = measure(signals.words_of_conversation, "tea?", *facts)[4:]
    assert near == 1
    assert far == 0


def test_who_is_asked_about_has_said_it():
    facts = said(1, "I paint.", **ANNA), said(2, "I paint too.", **BOB), said(3, "Anna paints.", kind="profile")
    assert measure(signals.speaker, "What does Anna paint?", *facts) == [1, 0, 0]


def test_a_question_that_names_nobody_knows_no_speaker():
    assert measure(signals.speaker, "What do they paint?", said(1, "I paint.", **ANNA)) == [0]


def test_questions_count_between_people_only():
    assert measure(signals.asks, "x", said(1, "Really?", **ANNA), said(2, "Really?")) == [1, 0]


def test_i_of_an_assistant_is_nobody():
    assert measure(signals.personal, "x", said(1, "I see."), said(2, "I see.", role="assistant")) == [1, 0]


def test_how_many_wants_a_number():
    facts = said(1, "I have three cats."), said(2, "I like cats.")
    assert measure(signals.counts, "How many cats do I have?", *facts) == [1, 0]
    assert measure(signals.counts, "Do I like cats?", *facts) == [0, 0]


def test_what_an_assistant_said_is_asked_for_by_you():
    facts = said(1, "Try the fish."), said(2, "Try the fish.", role="assistant")
    assert measure(signals.told, "Which dish did you recommend?", *facts) == [0, 1]
    assert measure(signals.told, "Which dish do I like?", *facts) == [0, 0]


def test_what_holds_of_prompts_holds_of_prompts_only():
    text = "Always use metric units when I ask about distances."
    facts = said(1, text), said(2, text, role="assistant"), said(3, text, **ANNA)
    for signal in (signals.standing, signals.brief, signals.length_of_prompt):
        of_user, of_assistant, of_person = measure(signal, "x", *facts)
        assert of_user > 0 == of_assistant == of_person


def test_what_is_new_counts_in_chats_and_never_more_than_one():
    facts = said(1, "a"), said(2, "b", session="s2", days=7), said(3, "c", session="s3", days=70, **ANNA)
    old, newer, between_people = measure(signals.recency, "x", *facts)
    assert 0 < old < newer < 1
    assert between_people == 0


def test_of_conversations_the_latest_counts_most():
    facts = said(1, "a", days=1), said(2, "b", session="s2", days=2), said(3, "c", session="s3")
    assert measure(signals.latest, "x", *facts) == pytest.approx([1 / 2, 1, 1 / 3])


@pytest.mark.parametrize("signal", [signals.outstanding, signals.nearest])
def test_without_candidates_there_is_nothing_to_measure(signal):
    assert measure(signal, "tea?") == []
