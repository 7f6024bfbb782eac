"""What a store does beside its verbs where many write to one database: it claims again what another one claimed at the
same moment, and has the tables looked at as they fill, so that statements are planned for what they hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from memproxy.domain import Committed, Job, Kept, MemoryWrite, Scope, Turn
from memproxy.errors import Conflict
from memproxy_sql.store import SqlStore

_FIRST, _FACTOR, _LAST = 500, 4, 300_000
"""Rows of one kind that were stored when it is looked at: what is planned for few reads too many of four times as many.
Later the server sees to that itself."""
_CLAIMS = 10
"""Tries to claim, where others claim at the same time; whoever gets nothing comes back in a moment anyway."""


class SharedStore(SqlStore):
    def __init__(self) -> None:
        self._stored: Counter[str] = Counter()
        self._next: defaultdict[str, int] = defaultdict(lambda: _FIRST)

    def _study(self) -> None:
        """Look at the tables anew; nobody waits for it."""
        raise NotImplementedError

    async def commit(self, turns: Sequence[Turn]) -> Sequence[Committed]:
        committed = await super().commit(turns)
        self._grew({"Message": sum([len(turn.messages) for turn in turns])})
        return committed

    async def write(self, scope: Scope, change: MemoryWrite) -> int:
        version = await super().write(scope, change)
        self._grew({"Fact": len(change.facts), "Event": len(change.events)})
        return version

    async def restore(self, scope: Scope, rows: Sequence[Kept]) -> int:
        added = await super().restore(scope, rows)
        self._grew(Counter([type(kept.row).__name__ for kept in rows]))
        return added

    def _grew(self, rows: Mapping[str, int]) -> None:
        """An archive comes kind by kind: of the last there are many before the first is looked at again."""
        self._stored.update(rows)
        full = [kind for kind in rows if self._next[kind] <= min(self._stored[kind], _LAST)]
        for kind in full:
            self._next[kind] *= _FACTOR
        if full:
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
