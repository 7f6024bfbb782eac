"""Learns the weights of ranking from questions whose evidence is known, and grades them on questions that are new.

    loss = - log of (what holds the evidence / that and everything that holds none), after a softmax over scores

A message counts as its best pieces do, each piece of evidence as one, each question as one, and each data set as much
as any other: one set of weights serves them all. Newton's method finds the weights; ridge keeps them small. What
carries over is seen with dialogues left out, by turns: of LoCoMo and RealMem one at a time, of BEAM two.

    python -m bench.learn    the weights, and grades with them: learned on all, and with dialogues left out
    python -m bench.ablate   what each signal is worth
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.dialogues import SETS, Vectors
from bench.evaluation import Row, means
from bench.examples import Example, Weights, examples
from memproxy.recall.rank import WEIGHTS

RIDGE = 2.0
STEPS = 12
TURNS = 6
SHOWN = ("R@5", "R@10", "R@512t", "newer@10")
PIECES = 12
"""Of one piece of evidence, those that count: the rest only matches by accident."""

BY_HAND = ("recency", "latest")
"""Not learned: they would follow the rhythm in which one data set takes turns between topics. Their sum is nothing for
the latest conversation, so that going on with it costs nothing."""

NAMES = [signal.__name__ for signal in WEIGHTS]


def learn(told: Sequence[Example], *, start: Weights, left: Collection[int] = ()) -> Weights:
    """The weights that make the evidence most likely, beginning at `start`. Signals `left` out get none."""
    given = [NAMES.index(name) for name in BY_HAND if NAMES.index(name) not in left]
    kept = np.array([place for place in range(len(start)) if place not in {*left, *given}])
    usable = [example for example in told if example.answers]
    scale = np.concatenate([example.signals[:, kept] for example in usable]).std(axis=0).astype(np.float64) + 1e-3
    share = {name: 1000 / sum(example.set == name for example in usable) for name in {e.set for e in usable}}
    cases = [
        Case(e.signals[:, kept] / scale, e.signals[:, given] @ start[given], e.answers, e.rest, share[e.set])
        for e in usable
    ]
    weights = start[kept] * scale
    for _ in range(STEPS):
        loss, slope, bend = _loss(cases, weights)
        step = np.linalg.solve(bend, slope)
        size = next((s for s in (1, 0.5, 0.25, 0.1) if _loss(cases, weights - s * step)[0] < loss), 0.0)
        weights = weights - size * step
        if size * float(slope @ step) < 1e-4 * loss:
            break
    whole = np.zeros(len(start))
    whole[kept], whole[given] = weights / scale, start[given]
    return whole


@dataclass(frozen=True, slots=True)
class Case:
    """An example, ready for arithmetic: signals scaled to one spread, and what is given without them."""

    signals: NDArray[np.floating]
    given: NDArray[np.floating]
    answers: Sequence[NDArray[np.intp]]
    rest: NDArray[np.intp]
    share: float
    """What it counts for in the loss."""


def _loss(cases: Sequence[Case], weights: Weights) -> tuple[float, Weights, NDArray[np.float64]]:
    """Its value, its gradient, and the convex part of its Hessian."""
    loss = float(RIDGE * weights @ weights / 2)
    slope, bend = RIDGE * weights, RIDGE * np.eye(len(weights))
    for case in cases:
        scores = case.signals @ weights + case.given
        odds = np.exp(scores - scores.max())
        others, rest = case.signals[case.rest], odds[case.rest]
        mass, pull = rest.sum(), rest @ others
        spread = (others * rest[:, None]).T @ others
        for places in case.answers:
            best = places[np.argsort(-scores[places])[:PIECES]]
            held, right = case.signals[best], odds[best]
            good = max(float(right.sum()), 1e-280)
            whole, mean = mass + good, (pull + right @ held) / (mass + good)
            part = case.share / len(case.answers)
            loss += part * float(np.log(whole) - np.log(good))
            slope = slope + part * (mean - right @ held / good)
            bend = bend + part * ((spread + (held * right[:, None]).T @ held) / whole - np.outer(mean, mean))
    return loss, slope, bend


def grades(asked: Sequence[Example], weights: Weights) -> dict[str, list[Row]]:
    """Of every question, by set."""
    found: dict[str, list[Row]] = {}
    for example in asked:
        found.setdefault(example.set, []).append(example.graded(weights))
    return found


def left_out(told: Sequence[Example], start: Weights, left: Collection[int] = ()) -> dict[str, list[Row]]:
    """Grades of every question with weights learned from other dialogues only."""
    turns = _turns(told)
    found: dict[str, list[Row]] = {}
    for turn in range(max(turns.values()) + 1):
        others = [example for example in told if turns[example.dialogue] != turn]
        weights = learn(others, start=start, left=left)
        for name, rows in grades([e for e in told if turns[e.dialogue] == turn], weights).items():
            found.setdefault(name, []).extend(rows)
    return found


def _turns(told: Sequence[Example]) -> Mapping[str, int]:
    """Which dialogue is left out when; those of one set as evenly as can be."""
    of_set: dict[str, dict[str, None]] = {}
    for example in told:
        of_set.setdefault(example.set, {})[example.dialogue] = None
    return {dialogue: place % TURNS for those in of_set.values() for place, dialogue in enumerate(those)}


def shown(found: Mapping[str, Sequence[Row]]) -> str:
    parts = []
    for name, rows in found.items():
        mean = means(rows)
        parts.append(f"{name} " + " ".join(f"{key} {mean[key]:.1f}" for key in SHOWN if key in mean))
    return " | ".join(parts)


def overall(found: Mapping[str, Sequence[Row]]) -> float:
    """One number to compare by: the mean over sets of rank and block."""
    values = [(mean["R@10"] if name != "realmem" else mean["R@5"], mean["R@512t"]) for name, mean in _means(found)]
    return statistics.mean(value for pair in values for value in pair)


def _means(found: Mapping[str, Sequence[Row]]) -> list[tuple[str, Row]]:
    return [(name, means(rows)) for name, rows in found.items()]


async def gathered() -> list[Example]:
    async with Vectors() as vectors:
        return [example async for example in examples(SETS, vectors)]


def main() -> None:
    told = asyncio.run(gathered())
    shipped = np.array(list(WEIGHTS.values()))
    if not told:
        return
    print(f"shipped           {shown(grades(told, shipped))}", flush=True)
    weights = learn(told, start=shipped)
    for name, weight, now in zip(NAMES, weights, shipped, strict=True):
        print(f"  {name:24s} {weight:7.2f}   shipped {now:7.2f}")
    print(f"learned on all    {shown(grades(told, weights))}", flush=True)
    print(f"dialogues left out {shown(left_out(told, weights))}")


if __name__ == "__main__":
    main()
