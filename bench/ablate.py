"""What each signal of ranking is worth: grades without it, and how they grow as signals are added one by one.

The other weights are learned anew each time, and every question is graded with weights learned from other dialogues:
what a signal adds to the fit alone does not show.

    python -m bench.ablate
"""

from __future__ import annotations

import asyncio

import numpy as np

from bench.learn import NAMES, gathered, learn, left_out, overall, shown
from memproxy.recall.rank import WEIGHTS


def main() -> None:
    told = asyncio.run(gathered())
    if not told:
        return
    start = learn(told, start=np.array(list(WEIGHTS.values())))
    whole = left_out(told, start)
    print(f"{'all signals':24s} {overall(whole):6.2f}         {shown(whole)}", flush=True)
    for place, name in enumerate(NAMES):
        without = left_out(told, start, left={place})
        print(f"- {name:22s} {overall(without):6.2f} {_gain(whole, without)}  {shown(without)}", flush=True)
    before = None
    for place, name in enumerate(NAMES[:-1]):
        with_it = left_out(told, start, left=range(place + 1, len(NAMES)))
        print(f"+ {name:22s} {overall(with_it):6.2f} {_gain(before, with_it)}  {shown(with_it)}", flush=True)
        before = with_it


def _gain(before: dict[str, list[dict[str, float]]] | None, after: dict[str, list[dict[str, float]]]) -> str:
    return f"{overall(after) - overall(before):+6.2f}" if before else " " * 6


if __name__ == "__main__":
    main()
