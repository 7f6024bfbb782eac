"""What a store does beside its verbs where many write to one database: it claims again what another one claimed at the
same moment, and has the tables looked at as they fill, so that statements are planned for what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from memproxy.domain import Committed, Job, Kept, MemoryWrite, Scope, Turn
from memproxy.errors import Conflict
from memproxy_sql.store import SqlStore

_FIRST, _FACTOR, _LAST = 500, 8, 300_000
"""Messages and facts that were stored when it is looked at: what is planned for few rows reads too many of eight times
as many. Later the server sees to that itself."""
_CLAIMS = 10
"""Tries to claim, where others claim at the same time; whoever gets nothing comes back in a moment anyway."""


class SharedStore(SqlStore):
    def __init__(self) -> None:
        self._stored, self._next = 0, _FIRST

    def _study(self) -> None:
        """Look at the tables anew; nobody waits for it."""
        raise NotImplementedError

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        committed = await super().commit(turns)
        self._grew(sum([len(turn.messages) for turn in turns]))
        return committed

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        version = await super().write(scope, change)
        self._grew(len(change.facts))
        return version

    async def restore(self, scope: Scope, rows: Sequence[Kept]) -> int:
        added = await super().restore(scope, rows)
        self._grew(added)
        return added

    def _grew(self, rows: int) -> None:
        self._stored += rows
        if self._stored >= self._next <= _LAST:
            self._next *= _FACTOR
            self._study()

    async def claim(self, *, worker: str, limit: int, lease: float, now: datetime) -> Sequence[Job]:
        """Who claims a job of an entity of which another claims one at the same moment looks again."""
        for left in range(_CLAIMS - 1, -1, -1):
            try:
                return await super().claim(worker=worker, limit=limit, lease=lease, now=now)
            except Conflict:
                if not left:
                    break
        return []
