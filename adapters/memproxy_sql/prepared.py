"""Statements written in SQLAlchemy's language, compiled once, and run on the driver's own cursor.

`Connection.execute` takes about 50 µs around each statement, most of the time that a verb has. What is left out is
the conversion of types, so a row holds what the driver gives: a truth as 0 or 1, all else as `models.py` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Table
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from memproxy_sql.dialect import among, chunks

Given = Mapping[str, Any]


class _Compiled(NamedTuple):
    sql: str
    constants: Given
    positional: Callable[[Given], Sequence[Any]]


class Prepared:
    """One statement with named parameters."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, conn: Connection, given: Given) -> list[Any]:
        compiled = self._for(conn)
        cursor = conn.connection.cursor()
        cursor.execute(compiled.sql, compiled.positional({**compiled.constants, **given}))
        return list(cursor.fetchall())

    def first(self, conn: Connection, given: Given) -> Any:
        """The first row, or None."""
        return next(iter(self.rows(conn, given)), None)

    def value(self, conn: Connection, given: Given) -> Any:
        """The first column of the first row, or None."""
        row = self.first(conn, given)
        return None if row is None else row[0]

    def apply(self, conn: Connection, given: Given) -> int:
        """Change rows; how many."""
        compiled = self._for(conn)
        cursor = conn.connection.cursor()
        cursor.execute(compiled.sql, compiled.positional({**compiled.constants, **given}))
        return cursor.rowcount

    def each(self, conn: Connection, rows: Sequence[Given]) -> None:
        """Apply the statement to each of the rows, if there are any."""
        if rows:
            compiled = self._for(conn)
            constants, positional = compiled.constants, compiled.positional
            values = [positional({**constants, **row}) for row in rows] if constants else list(map(positional, rows))
            conn.connection.cursor().executemany(compiled.sql, values)

    def _for(self, conn: Connection) -> _Compiled:
        found = self._compiled.get(conn.dialect.name)
        if found is None:
            compiled = cast(SQLCompiler, self._statement.compile(dialect=conn.dialect))
            constants = {name: compiled.params[name] for bind, name in compiled.bind_names.items() if not bind.required}
            found = _Compiled(str(compiled), constants, _getter(compiled.positiontup or ()))
            self._compiled[conn.dialect.name] = found
        return found


class Among:
    """Those rows of a table whose columns match one of many tuples; a row may come more than once."""

    def __init__(self, table: Table, *match: str, also: Sequence[str] = (), within: Sequence[str] = ()) -> None:
        """`match` are the columns of the tuples, `also` those that come back beside them; `within` are columns that
        must have one value each."""
        self._table, self._match, self._within = table, match, within
        self._columns = (*match, *also)
        self._sql: dict[int, str] = {}

    def rows(self, conn: Connection, given: Sequence[tuple[Any, ...]], within: Sequence[Any] = ()) -> list[Any]:
        found: list[Any] = []
        for some in chunks(given):
            # Filled with nulls, which match nothing, up to a power of two: so there are few statements, and the driver
            # keeps them compiled.
            count = 1 << (len(some) - 1).bit_length()
            values = [value for each in some for value in each] + [None] * (len(self._match) * (count - len(some)))
            cursor = conn.connection.cursor()
            cursor.execute(self._for(count), [*values, *within])
            found += cursor.fetchall()
        return found

    def _for(self, count: int) -> str:
        sql = self._sql.get(count)
        if sql is None:
            sql = self._sql[count] = among(self._table, self._match, self._columns, self._within, count)
        return sql


def _getter(names: Sequence[str]) -> Callable[[Given], Sequence[Any]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda given: [given[name] for name in names]
