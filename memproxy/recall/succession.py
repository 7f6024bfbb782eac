"""Which facts took the place of which: what is outdated, by what, and in which messages it was said.

A superseded fact names the fact that replaced it, which may have been replaced in turn. Its row is dead: in no index,
and a candidate only where the past is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memproxy.domain import Fact, FactState


class Succession:
    """Of one entity's facts, by row."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        """Of all facts but episodes, by id."""
        self._closed: dict[int, str] = {}
        """Rows of superseded facts, and the id of what replaced each."""
        self._said: dict[str, set[int]] = {}
        """The superseded facts that a message states."""

    def take(self, row: int, fact: Fact, before: Fact | None) -> None:
        """A fact is new in this row, or has changed from `before`."""
        if before is not None and self._closed.pop(row, None) is not None:
            for source in before.sources:
                self._said.get(source.message_id, set()).discard(row)
        if fact.kind == "episode":
            return
        self._rows[fact.id] = row
        if fact.state is FactState.SUPERSEDED:
            self._closed[row] = fact.superseded_by or ""
            for source in fact.sources:
                self._said.setdefault(source.message_id, set()).add(row)

    @property
    def closed(self) -> Sequence[int]:
        return tuple(self._closed)

    def heir(self, row: int) -> int | None:
        """The row of the fact that holds in the end; None where that is not known."""
        seen = {row}
        while (by := self._closed.get(row)) is not None:
            heir = self._rows.get(by)
            if heir is None or heir in seen:
                return None
            seen.add(heir)
            row = heir
        return row

    def heirs(self, message: str) -> Iterator[int]:
        """What holds instead of the outdated things that a message says."""
        for row in self._said.get(message, ()):
            if (heir := self.heir(row)) is not None:
                yield heir

    def predecessors(self, rows: Sequence[int]) -> list[int]:
        """The superseded facts that led to these."""
        wanted = set(rows)
        return [row for row in self._closed if row not in wanted and self.heir(row) in wanted]
