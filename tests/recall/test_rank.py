"""The order of candidates."""

from __future__ import annotations

import numpy as np
import pytest

from memproxy.domain import Source
from memproxy.recall.candidates import Candidates, Filter, gather
from memproxy.recall.entity_memory import EntityMemory
from memproxy.recall.question import Question, read
from memproxy.recall.rank import WEIGHTS, measured, rank
from memproxy.testing.store_samples import after, fact


def candidates(*texts: str, question: str = "Where is the tea?") -> tuple[Candidates, Question]:
    held = EntityMemory()
    held.apply(fact(n, number=n, text=text, sources=(Source(f"m{n}", f"s{n}"),)) for n, text in enumerate(texts, 1))
    asked = read(question, held.speakers)
    found = [(number, 0.5) for number in range(1, len(texts) + 1)]
    return gather(held, found, held.match(asked.terms), Filter(at=after(10**9).timestamp()), asked), asked


def test_the_score_is_the_sum_of_its_parts():
    ranking = rank(*candidates("The tea is in the kitchen.", "I like coffee."))
    why = ranking.why(ranking.order)
    assert [sum(parts.values()) for parts in why] == pytest.approx(ranking.scores[ranking.order].tolist(), abs=0.02)


def test_every_signal_is_measured_and_finite():
    found, question = candidates("The tea is in the kitchen.", "I like coffee.", "")
    signals = measured(found, question)
    assert signals.shape == (3, len(WEIGHTS))
    assert np.isfinite(signals).all()


def test_what_speaks_of_the_question_comes_before_what_does_not():
    ranking = rank(*candidates("I like coffee.", "The tea is in the kitchen.", "I like rain."))
    assert ranking.order[0] == 1


def test_of_equals_in_one_conversation_the_newer_comes_first():
    held = EntityMemory()
    held.apply(fact(n, number=n, text="tea", kind="knowledge") for n in (1, 2, 3))
    asked = read("tea?", {})
    found = gather(held, [(2, 0.5), (1, 0.5), (3, 0.5)], held.match(asked.terms), Filter(at=after(10**9).timestamp()))
    assert rank(found, asked).order.tolist() == [2, 1, 0]


def test_nothing_ranks_to_nothing():
    assert len(rank(*candidates()).order) == 0
