"""Cursors of lists: those of every store, and where messages and archives go on in documents."""

from __future__ import annotations

from memproxy.cursors import before, newest, page, whole_number

__all__ = ["archived", "before", "newest", "page", "place"]


def place(cursor: str | None) -> tuple[int, int]:
    """Of the next message to show: the number of its turn in the session, and its place in the turn."""
    if cursor is None:
        return 0, 0
    turn, _, place_ = cursor.partition(" ")
    return whole_number(turn), whole_number(place_)


def archived(cursor: str) -> tuple[int, int, int, int, str]:
    """Of the last row of an archive that was shown: its part, the total of all, two numbers and a name."""
    part, total, number, place_, name = [*cursor.split(" ", 4), "", "", "", ""][:5]
    return whole_number(part), whole_number(total), whole_number(number), whole_number(place_), name
