"""The one place where background tasks are started: each has a name, an owner and an observer.

asyncio keeps only weak references to tasks and drops their exceptions silently; an owner holds them, and tells the
service when one that should never end has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


class Tasks:
    """Owns tasks. `on_death` is called with the name and error of a vital task that ended by an error of its own."""

    def __init__(self, *, on_death: Callable[[str, BaseException], None] | None = None) -> None:
        self._on_death = on_death
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, T], *, vital: bool = False) -> asyncio.Task[T]:
        """Run `work` in the background. A vital task is one without which the service is not whole; the errors of any
        other are for whoever awaits it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._vital_ended if vital else self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("task %s failed", task.get_name(), exc_info=error)

    def _vital_ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.critical("task %s died; the service stops", task.get_name(), exc_info=error)
        if self._on_death is not None:
            self._on_death(task.get_name(), error)

    async def finish(self, name: str, deadline: float) -> None:
        """Wait up to `deadline` seconds for the tasks of that name to end by themselves."""
        named = [task for task in self._tasks if task.get_name() == name]
        if named:
            await asyncio.wait(named, timeout=deadline)

    async def stop(self) -> None:
        """Cancel all tasks and wait until they are gone."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
