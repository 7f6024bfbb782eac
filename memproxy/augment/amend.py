"""Writes a change to a memory that was computed from what the memory holds, if nobody was faster.

The version is read before anything else: whatever happens after that makes the write fail, and the change is computed
anew from what there is by then. So an erasure between two steps leaves nothing half done, and no lock is held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from memproxy.domain import MemoryWrite, Scope
from memproxy.errors import Conflict
from memproxy.ports import Memory

TRIES = 5
"""At an entity that keeps changing; then a job waits for quieter times, and a caller is told to come back."""
_LATEST = 2**62
"""No version is past this one: the change feed then tells the entity's version and nothing else."""


async def amend(
    memory: Memory, scope: Scope, change: Callable[[], Awaitable[MemoryWrite | None]]
) -> MemoryWrite | None:
    """What was written; None where `change` found nothing to do. Raises `Conflict` after the last try."""
    for _ in range(TRIES):
        version = (await memory.changes(scope, since=_LATEST)).version
        made = await change()
        if made is None:
            return None
        try:
            await memory.write(scope, replace(made, expected=version))
        except Conflict:
            continue
        return made
    raise Conflict("The memory changed faster than this could be written; try again.")
