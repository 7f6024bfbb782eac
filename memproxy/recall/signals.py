"""What speaks for a fact: small functions of the candidates and the question, each with a reason.

A signal is zero where it does not apply: `reply` needs conversations between named people, `recency` a chat with an
assistant. So one set of weights serves both. Where the encoder cannot be trusted, what it says counts for less.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from memproxy.recall.candidates import Candidates
from memproxy.recall.days import nearness
from memproxy.recall.lexical import Scores
from memproxy.recall.question import Question

Signal = Callable[[Candidates, Question], Scores]
Mask = NDArray[np.bool_]

WEEK = 7 * 86_400.0
BRIEF = math.log(16)
"""Logarithm of the words of a prompt that is not."""

_HOW_MANY = re.compile(r"\bhow (?:many|much|old|often|long)\b", re.IGNORECASE)
_TOLD = re.compile(
    r"\b(?:did you|you(?:'ve| have| had)? (?:\w+ )?"
    r"(?:recommend|suggest|said|say|told|tell|gave|give|provid|mention|advis|explain|propos|list|describ|outlin|shar|help)"
    r"\w*|your (?:\w+ )?(?:recommendation|suggestion|advice|answer|explanation|response|list|plan)s?)\b",
    re.IGNORECASE,
)


def meaning(found: Candidates, question: Question) -> Scores:
    """The same thing said in other words."""
    return found.cosine * np.float32(question.trust)


def nearest(found: Candidates, question: Question) -> Scores:
    """Cosines are high for some questions and low for others; the best are the best."""
    return found.cosine * np.float32(question.trust / max(float(found.cosine.max(initial=0)), 0.05))


def reply(found: Candidates, question: Question) -> Scores:
    """Between people, what follows a question near to ours answers it."""
    return found.before * _between_people(found) * np.float32(question.trust)


def prompted(found: Candidates, question: Question) -> Scores:
    """What an assistant answered spells out what the prompt before it was about."""
    return found.after * _prompt(found) * np.float32(question.trust)


def conversation(found: Candidates, question: Question) -> Scores:
    """People stay on a topic: a conversation that holds something near holds more on it."""
    return found.talk * np.float32(question.trust)


def words(found: Candidates, question: Question) -> Scores:
    """Names, numbers and rare words that an encoder blurs."""
    return found.words.held


def words_around(found: Candidates, question: Question) -> Scores:
    """The words of a question often stand in the message before its answer."""
    return found.words.close


def words_of_conversation(found: Candidates, question: Question) -> Scores:
    """A conversation that uses the question's words, here and there, is about it."""
    return found.words.topic


def outstanding(found: Candidates, question: Question) -> Scores:
    """Where one fact has far more of the words than the others, that is no accident."""
    if not len(found.near):
        return found.near
    return np.asarray((found.near - found.near.mean()) / (found.near.std() + 1e-3), np.float32)


def speaker(found: Candidates, question: Question) -> Scores:
    """Who is asked about has usually said it themselves; what others said to them seldom is the answer."""
    return _signal(found.facts["speaker"] == question.speaker if question.speaker is not None else _none(found))


def asks(found: Candidates, question: Question) -> Scores:
    """Between people a question holds fewer answers than a statement; what one asks an assistant tells about one."""
    return _signal(found.facts["asks"] & _between_people(found))


def personal(found: Candidates, question: Question) -> Scores:
    """Who says "I" tells something about themselves."""
    return _signal(found.facts["personal"] & ~found.facts["answers"])


def names(found: Candidates, question: Question) -> Scores:
    """Answers are specific: they name people, places and titles. In a chat with an assistant everything does."""
    return _signal(found.facts["names"] * _between_people(found))


def clock(found: Candidates, question: Question) -> Scores:
    """Between people, what happened is told with its time; pleasantries have none. Prompts are full of deadlines."""
    return _signal(found.facts["clock"] & _between_people(found))


def counts(found: Candidates, question: Question) -> Scores:
    """ "How many" is answered by a number."""
    return _signal(found.facts["counts"] if _HOW_MANY.search(question.text) else _none(found))


def date(found: Candidates, question: Question) -> Scores:
    """A question about a day is answered by what was said around it, or speaks of it."""
    return nearness(question.days, found.facts["said"], found.spoken)


def statement(found: Candidates, question: Question) -> Scores:
    """A sentence that was understood says in few words what its message says in many."""
    return _signal(~_episode(found))


def length_of_prompt(found: Candidates, question: Question) -> Scores:
    """A long prompt is pasted, or goes through everything; a short one says one thing."""
    return _signal(found.facts["words"] * _prompt(found))


def length_of_answer(found: Candidates, question: Question) -> Scores:
    """What an assistant answered touches every topic, the more the longer, and is seldom what the person told it."""
    return _signal(found.facts["words"] * found.facts["answers"])


def told(found: Candidates, question: Question) -> Scores:
    """ "What did you suggest" is answered by the assistant's side."""
    return _signal(found.facts["answers"] if _TOLD.search(question.text) else _none(found))


def piece(found: Candidates, question: Question) -> Scores:
    """One of many pieces of a long message is only that: the longer the message, the more pieces match by accident."""
    return _signal(found.facts["pieces"])


def standing(found: Candidates, question: Question) -> Scores:
    """What was said to hold from now on holds for this question too."""
    return _signal(found.facts["standing"] & _prompt(found))


def prefers(found: Candidates, question: Question) -> Scores:
    """What a person wants, likes or has decided matters to whatever is asked later."""
    return _signal(found.facts["prefers"] & _prompt(found))


def reacts(found: Candidates, question: Question) -> Scores:
    """Who begins with "thanks" or "hmm" goes on with the assistant's last answer and tells little new."""
    return _signal(found.facts["reacts"] & _prompt(found))


def recency(found: Candidates, question: Question) -> Scores:
    """In a chat with an assistant one comes back to what is under way. Bounded: it never outweighs a clear match."""
    age = (found.newest - found.facts["said"]) / WEEK
    return _signal((_prompt(found) | found.facts["answers"]) / (1 + np.maximum(age, 0)))


def latest(found: Candidates, question: Question) -> Scores:
    """The latest conversations are before the model still, or were about something else: to go on, one goes back."""
    return found.lately * ~_between_people(found)


def brief(found: Candidates, question: Question) -> Scores:
    """A prompt of a few words leans on what was said before it."""
    return _signal((found.facts["words"] < BRIEF) & _prompt(found))


def _signal(values: NDArray[np.generic]) -> Scores:
    return np.asarray(values, np.float32)


def _none(found: Candidates) -> Mask:
    return np.zeros(len(found.rows), np.bool_)


def _episode(found: Candidates) -> Mask:
    return np.asarray(found.facts["verbatim"], np.bool_)


def _between_people(found: Candidates) -> Mask:
    return np.asarray(found.facts["speaker"] >= 0, np.bool_)


def _prompt(found: Candidates) -> Mask:
    """What a person said to an assistant."""
    return np.asarray(_episode(found) & ~found.facts["answers"] & ~_between_people(found), np.bool_)
