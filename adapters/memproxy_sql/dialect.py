"""Where databases differ: everything here is about SQLite, and the next database gets its own answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, Table
from sqlalchemy import func as sql
from sqlalchemy.dialects.sqlite import Insert, insert

T = TypeVar("T")

_CHUNK = 1024
"""Tuples that one statement asks for: with four columns each far below SQLite's limit of 32766 parameters."""


def insert_new(table: Table) -> Insert:
    """Insert rows, but for those that are there already."""
    return insert(table).on_conflict_do_nothing()


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in pieces that fit one statement."""
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def among(table: Table, match: Sequence[str], columns: Sequence[str], within: Sequence[str], count: int) -> str:
    """SQL for the rows that match one of `count` tuples; the values of `within` come last.

    Written as a join that begins with the tuples: SQLite scans the whole index for `(a, b) IN (VALUES …)`, and a long
    chain of OR is too deep for its parser."""
    one = f"({', '.join('?' * len(match))})"
    given = ", ".join(f"given_{name}" for name in match)
    equal = [f"{table.name}.{name} = given.given_{name}" for name in match]
    equal += [f"{table.name}.{name} = ?" for name in within]
    return (
        f"WITH given({given}) AS (VALUES {', '.join([one] * count)}) "
        f"SELECT {', '.join(f'{table.name}.{name}' for name in columns)} "
        f"FROM given CROSS JOIN {table.name} ON {' AND '.join(equal)}"
    )


def contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether the column's text holds this one, whatever its case; SQLite's own functions fold ASCII alone."""
    return sql.instr(sql.casefolded(column), text.casefold()) > 0


def equip(conn: sqlite3.Connection) -> None:
    """Give the functions that statements rely on."""
    conn.create_function("casefolded", 1, str.casefold, deterministic=True)


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
