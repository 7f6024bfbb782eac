"""Where the time goes: runs memproxy with a sampler in it that notes which functions it meets most.

    BENCH_SAMPLES=/tmp/samples.txt python -m bench.sampler serve --upstream …

SIGUSR1 begins afresh, SIGUSR2 writes what was found to the file and pauses. A timer that counts the CPU time of all
threads interrupts at every tick of the kernel (usually 4 ms) and notes the main thread's stack; where that waits in the
event loop, the time was another thread's, and what those were doing is noted instead. cProfile was rejected: it doubles
the cost of small functions and so points at the wrong ones.
"""

from __future__ import annotations

import os
import pathlib
import runpy
import signal
import sys
import threading
from collections import Counter
from types import FrameType

INTERVAL = 0.001
SHOWN = 30
FRAME = frozenset(("Handle._run", "BaseEventLoop._run_once", "_WorkItem.run", "Thread.run"))
"""What lies below these on a stack is the same for everything, and is left out."""
WAITING = frozenset(("select", "wait", "get", "_worker", "wait_for"))
MAIN = threading.main_thread().ident


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
        stacks = [("", frame)]
        if frame is not None and frame.f_code.co_name in WAITING:
            stacks = [("thread: ", other) for other in busy_threads()] or stacks
        self.total += 1
        for prefix, top in stacks[:1]:
            names = [prefix + name for name in _names(top)]
            self.own[names[0]] += 1
            self.within.update(set(names))

    def show(self) -> str:
        parts = [f"{self.total} samples"]
        for title, counts in (("in the function itself", self.own), ("in it and what it calls", self.within)):
            parts += ["", title]
            parts += [f"{100 * count / self.total:5.1f} %  {name}" for name, count in counts.most_common(SHOWN)]
        return "\n".join(parts)


def busy_threads() -> list[FrameType]:
    """Top frames of the other threads that do not visibly wait for work."""
    frames = sys._current_frames()
    return [top for ident, top in frames.items() if ident != MAIN and top.f_code.co_name not in WAITING]


def _names(frame: FrameType | None) -> list[str]:
    names = []
    while frame is not None:
        code = frame.f_code
        names.append(f"{code.co_qualname}  {'/'.join(code.co_filename.split('/')[-2:])}")
        frame = None if code.co_qualname in FRAME else frame.f_back
    return names or ["nowhere"]


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
