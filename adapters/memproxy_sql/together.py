"""Several tables in one round trip: rows looked up in all of them, rows put into all of them.

The way to a server and back takes longer than most statements do. SQLite has no way to go, and takes one statement for
each table; MariaDB and MySQL take no inserts together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Table
from sqlalchemy.engine import Dialect

from memproxy_sql.dialect import ASKING, insert_new
from memproxy_sql.prepared import Among, Given, Prepared, getter


class _Layout(NamedTuple):
    selected: list[str]
    """What each part of a union selects."""
    read: list[Callable[[Any], Sequence[Any]]]
    """A row of each part, from one of the union; the first column of which is the number of the part."""


class AmongEach:
    """What several `Among` find, each for tuples of its own."""

    def __init__(self, *questions: Among) -> None:
        self._questions = questions
        self._layouts: dict[str, _Layout] = {}

    def rows(
        self, conn: Connection, given: Sequence[Sequence[tuple[Any, ...]]], within: Sequence[Any] = ()
    ) -> list[list[Any]]:
        """`within` goes to those that have such columns."""
        asking = ASKING[conn.dialect.name]
        if conn.dialect.name == "sqlite" or any(len(some) > asking.chunk for some in given):
            return [question.rows(conn, some, within) for question, some in zip(self._questions, given, strict=True)]
        found: list[list[Any]] = [[] for _ in self._questions]
        if not any(given):
            return found
        selected, read = self._layout(conn.dialect)
        values: list[Any] = []
        union: list[str] = []
        for question, some, columns in zip(self._questions, given, selected, strict=True):
            if some:
                size = asking.size(len(some))
                union.append(question.sql(asking, size, selected=columns, first=len(values) + 1))
                values += question.values(asking, some, size, within)
        cursor = conn.connection.cursor()
        cursor.execute(" UNION ALL ".join(union), values)
        for row in cursor.fetchall():
            found[row[0]].append(read[row[0]](row))
        return found

    def _layout(self, dialect: Dialect) -> _Layout:
        made = self._layouts.get(dialect.name)
        if made is None:
            made = self._layouts[dialect.name] = _laid_out([question.columns for question in self._questions], dialect)
        return made


def _laid_out(parts: Sequence[Sequence[Column[Any]]], dialect: Dialect) -> _Layout:
    """Columns of one type share a place; a part that has nothing for a place gives null."""
    kinds: list[str] = []
    places: list[dict[int, Column[Any]]] = []
    for columns in parts:
        taken: dict[int, Column[Any]] = {}
        for column in columns:
            kind = _kind(column, dialect)
            place = next((n for n, other in enumerate(kinds) if other == kind and n not in taken), len(kinds))
            kinds[place:] = kinds[place:] or [kind]
            taken[place] = column
        places.append(taken)
    nulls = [f"CAST(NULL AS {kind})" if dialect.name == "postgresql" else "NULL" for kind in kinds]
    selected = [
        ", ".join([str(number), *(str(taken.get(n, null)) for n, null in enumerate(nulls))])
        for number, taken in enumerate(places)
    ]
    return _Layout(selected, [getter([place + 1 for place in taken]) for taken in places])


def _kind(column: Column[Any], dialect: Dialect) -> str:
    return str(column.type.compile(dialect=dialect)).partition(" COLLATE ")[0]


class IntoEach:
    """Rows put into several tables; of those that are there already, only the columns of `renewed` change."""

    def __init__(self, tables: Sequence[Table], *, renewed: Mapping[str, Sequence[str]]) -> None:
        self._tables, self._renewed = tables, renewed
        self._alone = {t.name: Prepared(insert_new(t, renewed=renewed.get(t.name, ()))) for t in tables}
        self._together = ""

    def put(self, conn: Connection, rows: Mapping[str, Sequence[Given]]) -> None:
        """`rows` holds a list for each of the tables."""
        if conn.dialect.name != "postgresql":
            for name, statement in self._alone.items():
                statement.each(conn, rows[name])
            return
        if not any(rows.values()):
            return
        if not self._together:
            self._together = self._unnested(conn.dialect)
        values = [[row[column.name] for row in rows[t.name]] for t in self._tables for column in t.columns]
        conn.connection.cursor().execute(self._together, values)

    def _unnested(self, dialect: Dialect) -> str:
        """One array for each column, so that one statement takes any number of rows."""
        numbers = count(1)
        parts = []
        for table in self._tables:
            arrays = ", ".join(f"${next(numbers)}::{_kind(column, dialect)}[]" for column in table.columns)
            statement = insert_new(table, renewed=self._renewed.get(table.name, ()))(dialect.name)
            one = str(statement.compile(dialect=dialect))
            into, _, otherwise = one.partition(" VALUES ")
            parts.append(f"{into} SELECT * FROM unnest({arrays}) {otherwise[otherwise.index('ON CONFLICT') :]}")
        first = ", ".join(f"part{n} AS ({part})" for n, part in enumerate(parts[:-1]))
        return f"WITH {first} {parts[-1]}"
