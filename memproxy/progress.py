"""Progress of long operations on standard error: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

# Seconds between two lines where there is no terminal.
EVERY = 10.0


@dataclass(slots=True)
class Step:
    """How far one step has come."""

    bar: TaskID
    began: float
    told: float
    """When a line last said so."""
    ended: bool = False


class Rate(ProgressColumn):
    """So many things, and how many a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(rate(task.fields["count"], self._unit, task.elapsed or 0.0))


def rate(count: int, unit: str, seconds: float) -> str:
    speed = count / seconds if seconds > 0 else 0.0
    return f"{count:,} {unit}, {speed:,.{0 if speed >= 10 else 1}f}/s"


class Bars:
    """One bar per step. `advance(step, done, total)` in bytes; a total of 0 is unknown. With a `unit`, `count` says how
    many things those bytes held, and the bar shows them and their rate instead."""

    def __init__(self, *, unit: str = "") -> None:
        self._unit = unit
        self._console = Console(stderr=True, markup=False, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description:<28}", markup=False),
            BarColumn(),
            Rate(unit) if unit else DownloadColumn(),
            console=self._console,
        )
        self._steps: dict[str, Step] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def advance(self, step: str, done: int, total: int, *, count: int = 0) -> None:
        known = self._steps.get(step)
        if known is None:
            bar = self._progress.add_task(step, total=total or None, count=0)
            known = self._steps[step] = Step(bar, monotonic(), monotonic())
            if not self._console.is_terminal:
                self._console.print(f"{step} ...")
        self._progress.update(known.bar, completed=done, total=total or None, count=count)
        if not self._console.is_terminal:
            self._say(step, known, done, total, count)

    def _say(self, step: str, known: Step, done: int, total: int, count: int) -> None:
        """A line when it ends, and one now and then before."""
        now = monotonic()
        ended = bool(total) and done >= total
        if known.ended or not (ended or now - known.told >= EVERY):
            return
        known.ended, known.told = ended, now
        share = "done" if ended else f"{done / total:.0%}" if total else ""
        held = rate(count, self._unit, now - known.began) if self._unit else ""
        self._console.print(" ".join(filter(None, (step, share, held and f"({held})"))))
