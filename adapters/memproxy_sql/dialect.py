"""Where databases differ: everything here is about SQLite, and the next database gets its own answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects.sqlite import Insert, insert

T = TypeVar("T")

_PARAMETERS = 1000
"""Values in one IN list: far below SQLite's limit of 32766, and few enough that a list compiles at once."""


def insert_new(table: Table) -> Insert:
    """Insert rows, but for those that are there already."""
    return insert(table).on_conflict_do_nothing()


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in pieces that fit an IN list."""
    return (values[start : start + _PARAMETERS] for start in range(0, len(values), _PARAMETERS))


def pragmas(*, busy_timeout: float) -> list[str]:
    """What each connection is told when it opens.

    FULL: a commit is on the disk when it returns. secure_delete: what is erased leaves no trace in free pages.
    A log that a burst has blown up shrinks back to 64 MiB.
    """
    return [
        f"PRAGMA busy_timeout = {round(busy_timeout * 1000)}",
        "PRAGMA synchronous = FULL",
        "PRAGMA secure_delete = ON",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA cache_size = -8000",
        "PRAGMA journal_size_limit = 67108864",
    ]


FIRST = ["PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA journal_mode = WAL"]
"""What a new database is told before its first table; harmless to say again."""

Parameters = dict[str, Any]
