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

from memproxy_sql.dialect import ASKING, Asking, chunks

Given = Mapping[str, Any]


class _Compiled(NamedTuple):
    sql: str
    constants: Given
    positional: Callable[[Given], Sequence[Any]]


class Prepared:
    """One statement with named parameters."""

    def __init__(self, statement: ClauseElement | Callable[[str], ClauseElement]) -> None:
        """The statement, or what gives the one for a database."""
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
            given = self._statement
            statement = given if isinstance(given, ClauseElement) else given(conn.dialect.name)
            compiled = cast(SQLCompiler, statement.compile(dialect=conn.dialect))
            constants = {name: compiled.params[name] for bind, name in compiled.bind_names.items() if not bind.required}
            found = _Compiled(str(compiled), constants, getter(compiled.positiontup or ()))
            self._compiled[conn.dialect.name] = found
        return found


class Among:
    """Those rows of a table whose columns match one of many tuples; a row may come more than once."""

    def __init__(
        self, table: Table, *match: str, also: Sequence[str] = (), within: Sequence[str] = (), then: str = ""
    ) -> None:
        """`match` are the columns of the tuples, `also` those that come back beside them; `within` are columns that
        must have one value each; `then` ends the statement, as another condition or after them."""
        self._table, self._match, self._within, self._then = table, match, within, then
        self.columns = [table.c[name] for name in (*match, *also)]
        self.arrays = len(match) + len(within)
        """Its parameters, where one holds all values of a column."""
        self._selected = ", ".join(f"{table.name}.{column.name}" for column in self.columns)
        self._sql: dict[tuple[Asking, int], str] = {}

    def rows(self, conn: Connection, given: Sequence[tuple[Any, ...]], within: Sequence[Any] = ()) -> list[Any]:
        found: list[Any] = []
        asking = ASKING[conn.dialect.name]
        for some in chunks(given, asking.chunk):
            size = asking.size(len(some))
            cursor = conn.connection.cursor()
            cursor.execute(self._for(asking, size), self.values(asking, some, size, within))
            found += cursor.fetchall()
        return found

    def _for(self, asking: Asking, size: int) -> str:
        sql = self._sql.get((asking, size))
        if sql is None:
            sql = self._sql[asking, size] = self.sql(asking, size)
        return sql

    def sql(self, asking: Asking, size: int, *, selected: str = "", first: int = 1) -> str:
        """The statement; it may select other things, and number its parameters from `first`."""
        sql = asking.sql(self._table, self._match, selected or self._selected, self._within, size, first)
        return sql + self._then

    def values(
        self, asking: Asking, given: Sequence[tuple[Any, ...]], size: int, within: Sequence[Any] = ()
    ) -> list[Any]:
        """Its parameters."""
        return [*asking.values(len(self._match), given, size), *(within if self._within else ())]


def getter(names: Sequence[Any]) -> Callable[[Any], Sequence[Any]]:
    """Takes these out of a row, or a mapping, however few they are."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda given: [given[name] for name in names]
