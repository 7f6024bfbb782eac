"""What is learned from questions whose evidence is known."""

from __future__ import annotations

import numpy as np
import pytest

from bench import dialogues
from bench.examples import Example
from bench.learn import BY_HAND, NAMES, learn

TELLING, MISLEADING, IDLE = (NAMES.index(name) for name in ("meaning", "asks", "names"))


def example(number: int) -> Example:
    """Twenty candidates, of which the first holds the answer."""
    chance = np.random.default_rng(number)
    signals = chance.random((20, len(NAMES))).astype(np.float32)
    signals[0, TELLING] += 0.8
    signals[0, MISLEADING] -= 0.5
    whole, rest = np.array([0]), np.arange(1, 20)
    return Example("set", f"dialogue-{number}", {}, signals, (), np.arange(20), [whole], rest)


TOLD = [example(number) for number in range(60)]
NOTHING = np.zeros(len(NAMES))


def test_what_tells_the_answer_gets_weight_and_what_misleads_gets_less_than_none():
    weights = learn(TOLD, start=NOTHING)
    assert weights[TELLING] > 2
    assert weights[MISLEADING] < -1
    assert abs(weights[IDLE]) < weights[TELLING] / 2


def test_it_ends_at_the_same_weights_wherever_it_starts():
    elsewhere = NOTHING + 1.0
    for name in BY_HAND:
        elsewhere[NAMES.index(name)] = 0
    assert np.allclose(learn(TOLD, start=NOTHING), learn(TOLD, start=elsewhere), atol=0.1)


def test_a_signal_that_is_left_out_gets_nothing():
    assert learn(TOLD, start=NOTHING, left={TELLING})[TELLING] == 0


def test_what_is_set_by_hand_stays():
    given = NOTHING.copy()
    given[NAMES.index(BY_HAND[0])] = 2.0
    assert learn(TOLD, start=given)[NAMES.index(BY_HAND[0])] == 2.0


def test_a_set_that_is_not_there_is_skipped_with_a_word(capsys: pytest.CaptureFixture[str]):
    assert list(dialogues.dialogues("nowhere")) == []
    assert "nowhere: skipped" in capsys.readouterr().out
