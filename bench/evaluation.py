"""Evidence recall of the product's own code, in process: how often what answers a question is found.

The same metrics as the evaluation over HTTP, whose grading is imported from the folder of the data, in seconds instead
of minutes. `dialogues.py` says where the data are expected.

    python -m bench.evaluation                     every data set there is
    python -m bench.evaluation locomo --no-floor   one of them, the best of a bad lot included
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.dialogues import DATA, SETS, Dialogue, Vectors, dialogues, told
from memproxy.recall.engine import Query, Recall, Recalled
from memproxy.tasks import Tasks
from memproxy_hnsw.index import HnswIndex

WIDE, TIGHT, LIMIT = 100_000, 512, 50

Row = dict[str, float]


@dataclass(slots=True)
class Graded:
    """The grades of one set, by category; the steps of recall in seconds."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    steps: list[Mapping[str, float]] = field(default_factory=list)

    def overall(self) -> list[Row]:
        return [row for category, rows in self.rows.items() if category != "adversarial" for row in rows]


async def evaluate(name: str, *, floor: bool = True, vectors: Vectors, adversarial: bool = False) -> Graded:
    """Ask every question of a set twice: with a wide budget for ranks, with a tight one for the block."""
    grade, graded = grading(), Graded()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        index = await stack.enter_async_context(HnswIndex(folder=folder, dimensions=vectors.dimensions))
        for dialogue in dialogues(name):
            await _ask_all(dialogue, index, vectors, floor, adversarial, grade, graded)
    vectors.save()
    return graded


async def _ask_all(
    dialogue: Dialogue, index: HnswIndex, vectors: Vectors, floor: bool, adversarial: bool, grade: Any, graded: Graded
) -> None:
    memory, tasks = await told(dialogue, vectors), Tasks()
    recall = Recall(memory=memory, index=index, embedder=vectors, tasks=tasks)
    for session, _, questions in dialogue.sessions():
        for question in questions:
            if question["category"] == "adversarial" and not adversarial:
                continue
            wide, tight = [
                await recall.recall(
                    Query(memory.scope, question["text"], memory.version, budget=budget, limit=LIMIT, floor=floor)
                )
                for budget in (WIDE, TIGHT)
            ]
            graded.rows[question["category"]].append(grade(question, reply(wide), reply(tight), TIGHT))
            graded.steps.append(tight.steps)
        memory.tell(session)
    await recall.drop(memory.scope)
    await tasks.stop()


def reply(recalled: Recalled) -> dict[str, Any]:
    """As the API would show it, as far as grading reads it."""
    hits = [
        {"sources": [{"message_id": s.public_id, "session_id": s.session_id} for s in hit.fact.sources]}
        for hit in recalled.block.hits
    ]
    return {"hits": hits}


Grade = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], int], Row]


@cache
def grading() -> Grade:
    """`grade` of the module beside the data that grades over HTTP."""
    spec = importlib.util.spec_from_file_location("score", DATA / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    grade: Grade = module.grade
    return grade


def means(rows: Sequence[Row]) -> Row:
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: 100 * statistics.mean(row[key] for row in rows if key in row) for key in keys}


def table(graded: Graded) -> str:
    groups = {"all but adversarial": graded.overall(), **dict(sorted(graded.rows.items()))}
    keys = list(means(groups["all but adversarial"]))
    lines = [f"{'':26s}{'n':>6s}" + "".join(f"{key:>13s}" for key in keys)]
    for name, rows in groups.items():
        found = means(rows)
        cells = (f"{found[key]:13.1f}" if key in found else " " * 13 for key in keys)
        lines.append(f"{name:26s}{len(rows):6d}" + "".join(cells))
    return "\n".join(lines)


def spent(graded: Graded) -> str:
    """Median and 95th percentile of each step, in milliseconds."""
    parts = []
    for step in graded.steps[-1]:
        took = sorted(1000 * steps[step] for steps in graded.steps if step in steps)
        parts.append(f"{step} {took[len(took) // 2]:.2f}/{took[int(len(took) * 0.95)]:.2f}")
    return "ms p50/p95: " + "  ".join(parts)


async def _main(names: Sequence[str], floor: bool, adversarial: bool) -> None:
    async with Vectors() as vectors:
        for name in names:
            started = time.perf_counter()
            graded = await evaluate(name, floor=floor, vectors=vectors, adversarial=adversarial)
            if graded.rows:
                print(f"\n{name} ({time.perf_counter() - started:.0f} s)\n{table(graded)}\n{spent(graded)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation", description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--no-floor", action="store_true", help="rank even where nothing speaks of the question")
    parser.add_argument("--adversarial", action="store_true", help="ask also what the dialogue does not answer")
    given = parser.parse_args()
    asyncio.run(_main(given.sets, not given.no_floor, given.adversarial))


if __name__ == "__main__":
    main()
