"""Writes a change to a memory that was computed from what the memory holds, if nobody was faster.

The version is read before anything else: whatever happens after that makes the write fail, and the change is computed
anew from what there is by then. So an erasure between two steps leaves nothing half done, and no lock is held.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from memproxy.domain import MemoryWrite, Scope
from memproxy.errors import Conflict
from memproxy.ports import Memory

TRIES = 10
"""At an entity that keeps changing; then a job waits for quieter times, and a caller is told to come back."""
PAUSE = 0.005
"""Seconds before the second try, twice as long before each further one, and any part of it: so that two who are equally
slow do not meet again. In all about 2.5 seconds, in which extraction writes many a page."""
_LATEST = 2**62
"""No version is past this one: the change feed then tells the entity's version and nothing else."""


async def amend(
    memory: Memory, scope: Scope, change: Callable[[], Awaitable[MemoryWrite | None]]
) -> MemoryWrite | None:
    """What was written; None where `change` found nothing to do. Raises `Conflict` after the last try."""
    for number in range(TRIES):
        version = (await memory.changes(scope, since=_LATEST)).version
        made = await change()
        if made is None:
            return None
        try:
            await memory.write(scope, replace(made, expected=version))
        except Conflict:
            await asyncio.sleep(random.uniform(0, PAUSE * 2**number))
            continue
        return made
    raise Conflict("The memory changed faster than this could be written; try again.")
