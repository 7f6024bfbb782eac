"""Where the time goes: runs memproxy with a sampler in it that notes which functions it meets most.

    BENCH_SAMPLES=/tmp/samples.txt python -m bench.sampler serve --upstream …

SIGUSR1 begins afresh, SIGUSR2 writes what was found to the file and pauses. A timer counts the CPU time of all threads
and interrupts once per millisecond of it; each sample is the main thread's stack at that moment. Samples that find the
event loop waiting are time of other threads: the model and the database. cProfile was rejected: it doubles the cost of
small functions and so points at the wrong ones.
"""

from __future__ import annotations

import os
import pathlib
import runpy
import signal
from collections import Counter
from types import FrameType

INTERVAL = 0.001
SHOWN = 35


class Samples:
    """Counts, per function, how often it was running itself and how often it was anywhere on the stack."""

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.within: Counter[str] = Counter()
        self.total = 0

    def clear(self) -> None:
        self.own.clear()
        self.within.clear()
        self.total = 0

    def take(self, signum: int, frame: FrameType | None) -> None:
        names = []
        while frame is not None:
            names.append(f"{frame.f_code.co_qualname}  {_place(frame.f_code.co_filename)}")
            frame = frame.f_back
        if names:
            self.total += 1
            self.own[names[0]] += 1
            self.within.update(set(names))

    def show(self) -> str:
        parts = [f"{self.total} samples, one per {INTERVAL * 1000:g} ms of CPU"]
        for title, counts in (("in the function itself", self.own), ("in it and what it calls", self.within)):
            parts += ["", title]
            parts += [f"{100 * count / self.total:5.1f} %  {name}" for name, count in counts.most_common(SHOWN)]
        return "\n".join(parts)


def _place(path: str) -> str:
    return "/".join(path.split("/")[-2:])


def main() -> None:
    samples = Samples()
    target = pathlib.Path(os.environ["BENCH_SAMPLES"])

    def begin(signum: int, frame: FrameType | None) -> None:
        samples.clear()
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)

    def end(signum: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        unfinished = target.with_suffix(".part")
        unfinished.write_text(samples.show())
        unfinished.rename(target)

    signal.signal(signal.SIGPROF, samples.take)
    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGUSR2, end)
    runpy.run_module("memproxy", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
