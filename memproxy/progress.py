"""Progress of long operations: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn


class Bars:
    """One bar per step. `advance(step, done, total)` in bytes; a total of 0 is unknown."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description:<28}"), BarColumn(), DownloadColumn(), console=self._console
        )
        self._steps: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def advance(self, step: str, done: int, total: int) -> None:
        if not self._console.is_terminal:
            self._say(step, done, total)
            return
        if step not in self._steps:
            self._steps[step] = self._progress.add_task(step, total=total or None)
        self._progress.update(self._steps[step], completed=done, total=total or None)

    def _say(self, step: str, done: int, total: int) -> None:
        """A line when a step begins and one when it ends."""
        if step not in self._steps:
            self._steps[step] = TaskID(len(self._steps))
            self._console.print(f"{step} ...")
        if total and done >= total and self._steps[step] >= 0:
            self._steps[step] = TaskID(-1)
            self._console.print(f"{step} done")
