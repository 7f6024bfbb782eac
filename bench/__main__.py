"""`python -m bench`: runs the measurements and prints each figure with its aim; a miss is printed as MISS."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import sys
import time
from collections.abc import Callable, Mapping

from bench import background, dialects, footprint, hotpath, prompt_cache, recall, scale, stores, ttft
from bench.process import CORES, OTHER_CORE
from bench.report import Line, table
from bench.stage import Size

PIECES: Mapping[str, Callable[[Size], list[Line]]] = {
    "hotpath": hotpath.run,
    "ttft": ttft.run,
    "footprint": footprint.run,
    "background": background.run,
    "scale": scale.run,
    "recall": recall.run,
    "prompt_cache": prompt_cache.run,
    "dialects": dialects.run,
    "stores": stores.run,
    "references": hotpath.run_references,
}
ALL = [name for name in PIECES if name not in ("references", "recall")]
"""What runs when nothing is chosen: `hotpath` measures the references as well, and `recall` needs the data of
`bench.evaluation`."""


def main() -> int:
    told = _arguments()
    # Children inherit this core until they are given theirs, and the proxy's stays free.
    os.sched_setaffinity(0, {OTHER_CORE})
    size = Size(smoke=told.smoke, full=told.full, profile=told.profile)
    found: dict[str, list[Line]] = {}
    for name in told.only or ALL:
        started = time.perf_counter()
        found[name] = PIECES[name](size)
        print(f"\n{name} ({time.perf_counter() - started:.0f} s)\n{table(found[name])}", flush=True)
    missed = [f"{name}: {line.name}" for name, lines in found.items() for line in lines if line.verdict == "MISS"]
    print(f"\n{len(missed)} aims missed" + "".join(f"\n  {name}" for name in missed))
    if told.json:
        told.json.parent.mkdir(parents=True, exist_ok=True)
        told.json.write_text(json.dumps(_machine() | {name: _rows(lines) for name, lines in found.items()}, indent=1))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(PIECES), help="this piece alone; may be repeated")
    parser.add_argument("--smoke", action="store_true", help="everything with tiny counts; the figures mean nothing")
    parser.add_argument("--full", action="store_true", help="also one entity with 100 000 messages")
    parser.add_argument("--profile", action="store_true", help="sample memproxy and print where its time goes")
    parser.add_argument("--json", type=pathlib.Path, metavar="OUT", help="write the figures to a file as well")
    return parser.parse_args()


def _machine() -> dict[str, object]:
    return {"machine": {"cores": len(CORES), "python": platform.python_version(), "system": platform.platform()}}


def _rows(lines: list[Line]) -> list[dict[str, object]]:
    return [line.as_dict() for line in lines]


if __name__ == "__main__":
    sys.exit(main())
