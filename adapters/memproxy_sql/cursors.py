"""Cursors of lists: those of every store, and where messages and archives go on in rows."""

from __future__ import annotations

from memproxy.cursors import before, newest, page, whole_number

__all__ = ["before", "newest", "page", "place", "position"]


def position(cursor: str | None) -> int:
    """The first position to show of a list that grows at its end."""
    return 0 if cursor is None else whole_number(cursor)


def place(cursor: str) -> tuple[int, int, int, str]:
    """Of the last row of an archive that was shown: its part, the total of all, its number and its name."""
    part, total, number, name = [*cursor.split(" ", 3), "", "", ""][:4]
    return whole_number(part), whole_number(total), whole_number(number), name
