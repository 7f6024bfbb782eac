"""How often everyday requests that have nothing to do with the person open a memory, and what that rigour costs.

Every request of `data/everyday.txt` is asked of every development dialogue, all of it told. The share that gets a block
should stay below 5 % in each memory. Beside it stands what the floor costs in recall of the dialogue's own questions:
the two numbers are read together, either alone is easy.

    python -m bench.everyday                every data set there is
    python -m bench.everyday locomo --show  and which requests opened it
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bench.dialogues import SETS, Dialogue, Vectors, dialogues, told
from bench.evaluation import evaluate, means
from memproxy.recall.engine import Query, Recall
from memproxy.tasks import Tasks
from memproxy_hnsw.index import HnswIndex

REQUESTS = tuple((Path(__file__).parent / "data" / "everyday.txt").read_text("utf-8").splitlines())
AIM = 5.0


async def opened(dialogue: Dialogue, index: HnswIndex, vectors: Vectors) -> list[str]:
    """The requests that get a block from the dialogue's memory."""
    memory, tasks = await told(dialogue, vectors), Tasks()
    for session, _, _ in dialogue.sessions():
        memory.tell(session)
    recall = Recall(memory=memory, index=index, embedder=vectors, tasks=tasks)
    replies = [await recall.recall(Query(memory.scope, request, memory.version)) for request in REQUESTS]
    await tasks.stop()
    return [request for request, reply in zip(REQUESTS, replies, strict=True) if reply.block.hits]


async def _set(name: str, show: bool, vectors: Vectors) -> None:
    shares: list[float] = []
    culprits: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        index = await stack.enter_async_context(HnswIndex(folder=folder, dimensions=vectors.dimensions))
        for dialogue in dialogues(name):
            found = await opened(dialogue, index, vectors)
            culprits.update(found)
            shares.append(100 * len(found) / len(REQUESTS))
            print(f"{dialogue.id:28s}{shares[-1]:6.1f} %{'  MISS' if shares[-1] >= AIM else ''}", flush=True)
    if not shares:
        return
    with_floor, without = [means((await evaluate(name, floor=on, vectors=vectors)).overall()) for on in (True, False)]
    cost = "  ".join(f"{key} {without[key]:.1f} -> {with_floor[key]:.1f}" for key in ("R@10", "R@512t"))
    print(
        f"{name:28s}{sum(shares) / len(shares):6.1f} % of {len(REQUESTS)} requests; the floor takes {cost}", flush=True
    )
    for request, times in culprits.most_common() if show else ():
        print(f"    {times:3d}  {request[:100]}")


async def _main(names: Sequence[str], show: bool) -> None:
    async with Vectors() as vectors:
        for name in names:
            await _set(name, show, vectors)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.everyday", description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--show", action="store_true", help="list the requests that got a block")
    given = parser.parse_args()
    asyncio.run(_main(given.sets, given.show))


if __name__ == "__main__":
    main()
