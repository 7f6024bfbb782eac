"""Several tables in one round trip: rows looked up in all of them, rows put into all of them.

The way to a server and back takes longer than most statements do. SQLite has no way to go, and takes one statement for
each table; MariaDB and MySQL take no inserts together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, Connection, LargeBinary, Table
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
        self._union = lru_cache(maxsize=64)(self._united)

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
        layout = self._layout(conn.dialect)
        sizes = tuple(asking.size(len(some)) if some else None for some in given)
        values = [
            value
            for question, some, size in zip(self._questions, given, sizes, strict=True)
            if size is not None
            for value in question.values(asking, some, size, within)
        ]
        cursor = conn.connection.cursor()
        cursor.execute(self._union(conn.dialect.name, sizes), values)
        for row in cursor.fetchall():
            found[row[0]].append(layout.read[row[0]](row))
        return found

    def _united(self, database: str, sizes: Sequence[int | None]) -> str:
        """The statement for so many tuples of each; of those that are None there are none."""
        parts = []
        first = 1
        for question, size, columns in zip(self._questions, sizes, self._layouts[database].selected, strict=True):
            if size is not None:
                parts.append(question.sql(ASKING[database], size, selected=columns, first=first))
                first += question.arrays
        return " UNION ALL ".join(parts)

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
            self._together = self._from_json(conn.dialect)
        values = [msgspec.json.encode(rows[table.name]).decode() for table in self._tables]
        conn.connection.cursor().execute(self._together, values)

    def _from_json(self, dialect: Dialect) -> str:
        """One JSON list for each table, so that one statement takes any number of rows. (An array for each column
        costs the driver twice the time: it looks at every element to see whether that is an array.)"""
        parts = []
        for number, table in enumerate(self._tables, 1):
            read, given = zip(*(_json_column(column, dialect) for column in table.columns), strict=True)
            statement = insert_new(table, renewed=self._renewed.get(table.name, ()))(dialect.name)
            one = str(statement.compile(dialect=dialect))
            into, _, otherwise = one.partition(" VALUES ")
            rows = f"SELECT {', '.join(read)} FROM json_to_recordset(${number}::json) AS given({', '.join(given)})"
            parts.append(f"{into} {rows} {otherwise[otherwise.index('ON CONFLICT') :]}")
        first = ", ".join(f"part{n} AS ({part})" for n, part in enumerate(parts[:-1]))
        return f"WITH {first} {parts[-1]}"


def _json_column(column: Column[Any], dialect: Dialect) -> tuple[str, str]:
    """How it is read from JSON, which has no bytes, and what it is there."""
    if isinstance(column.type, LargeBinary):
        return f"decode({column.name}, 'base64')", f"{column.name} text"
    return column.name, f"{column.name} {_kind(column, dialect)}"
