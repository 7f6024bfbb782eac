"""Where the SQL of databases differs: types of columns, and the few statements that each writes its own way.

How a database is connected to, and what its errors mean, is in `sqlite.py` with `connection.py`, `postgresql.py` and
`mysql.py`. CockroachDB goes by the name of PostgreSQL here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import BigInteger, Connection, Double, Float, Integer, LargeBinary, String, Table, Text
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

SHORT = 191
"""Characters that MySQL keeps of what a key or an index holds: four such columns fill the 3072 bytes it allows. Ids
that callers choose have at most 128."""
_SHORT_BYTES = 255


def everywhere(kind: TypeEngine[Any], *, keyed: bool) -> TypeEngine[Any]:
    """The type of a column that SQLite knows as `kind`; `keyed`: a key or an index holds it.

    PostgreSQL compares text by its bytes, lest an upgrade of the system's collations break an index."""
    match kind:
        case LargeBinary():
            return kind.with_variant(mysql.VARBINARY(_SHORT_BYTES) if keyed else mysql.LONGBLOB(), "mysql")
        case Integer() if not isinstance(kind, BigInteger):
            return kind.with_variant(BigInteger(), "postgresql", "mysql")
        case Float():
            return kind.with_variant(Double(), "postgresql", "mysql")
    if isinstance(kind, Text | String) or isinstance(getattr(kind, "impl", None), String):
        brief = mysql.VARCHAR(SHORT) if keyed else mysql.LONGTEXT()
        return kind.with_variant(postgresql.TEXT(collation="C"), "postgresql").with_variant(brief, "mysql")
    return kind


ALSO = {
    "mysql": [
        f"ALTER TABLE job ADD COLUMN running_entity VARCHAR({SHORT}) "
        "AS (CASE WHEN state = 'running' THEN entity_id END) VIRTUAL",
        "CREATE UNIQUE INDEX ix_job_running ON job (tenant_id, running_entity)",
    ]
}
"""What a new database needs beside the models: the index of running jobs, where no index is partial."""


def table_options(conn: Connection) -> dict[str, str]:
    """What a new table is told beside its columns: MariaDB and MySQL compare text by its bytes, blanks included."""
    if conn.dialect.name != "mysql":
        return {}
    collation = bytewise(mariadb=conn.dialect.is_mariadb)  # type: ignore[attr-defined]
    return {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": collation}


def bytewise(*, mariadb: bool) -> str:
    """The collation of all columns, and of the texts that they are compared with."""
    return "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"


def insert_new(table: Table, *, renewed: Sequence[str] = ()) -> Callable[[str], ClauseElement]:
    """Insert rows; of one that is there already, only the columns of `renewed` change."""

    def statement(database: str) -> ClauseElement:
        if database == "mysql":
            rows = mysql.insert(table)
            # `INSERT IGNORE` would also swallow that a text was too long.
            first = next(iter(table.primary_key))
            return rows.on_duplicate_key_update({n: rows.inserted[n] for n in renewed} or {first.name: first})
        made = sqlite.insert(table) if database == "sqlite" else postgresql.insert(table)
        if not renewed:
            return made.on_conflict_do_nothing()
        changed = {n: made.excluded[n] for n in renewed}
        return made.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)

    return statement


def serial(conn: Connection) -> bool:
    """Whether a database has one writer at a time, so that no row needs a lock."""
    return conn.dialect.name == "sqlite"


def casefolds(conn: Connection) -> bool:
    """Whether the database can tell that a text holds another, whatever the case of its letters. What servers do
    depends on their version and on the collations they were built with."""
    return conn.dialect.name == "sqlite"


class Asking(Protocol):
    """How a database is asked for the rows that match one of many tuples."""

    chunk: int
    """Tuples that one statement asks for."""

    def size(self, count: int) -> int:
        """How many tuples the statement that takes `count` has room for."""
        ...

    def sql(
        self, table: Table, match: Sequence[str], selected: str, within: Sequence[str], size: int, first: int
    ) -> str:
        """The values of `within` come last; `first` is the number of the first parameter."""
        ...

    def values(self, width: int, given: Sequence[tuple[Any, ...]], size: int) -> list[Any]: ...


class _Filled:
    """Filled with nulls, which match nothing, up to a power of two: so there are few statements, and the driver keeps
    them compiled."""

    chunk = 1024

    def size(self, count: int) -> int:
        return 1 << (count - 1).bit_length()

    def values(self, width: int, given: Sequence[tuple[Any, ...]], size: int) -> list[Any]:
        return [value for each in given for value in each] + [None] * (width * (size - len(given)))


class _Joined(_Filled):
    """A join that begins with the tuples: SQLite scans the whole index for `(a, b) IN (VALUES …)`, and a long chain of
    OR is too deep for its parser. With four columns each a chunk is far below its limit of 32766 parameters."""

    def sql(
        self, table: Table, match: Sequence[str], selected: str, within: Sequence[str], size: int, first: int
    ) -> str:
        one = f"({', '.join('?' * len(match))})"
        given = ", ".join(f"given_{name}" for name in match)
        equal = [f"{table.name}.{name} = given.given_{name}" for name in match]
        equal += [f"{table.name}.{name} = ?" for name in within]
        return (
            f"WITH given({given}) AS (VALUES {', '.join([one] * size)}) "
            f"SELECT {selected} FROM given CROSS JOIN {table.name} ON {' AND '.join(equal)}"
        )


class _United(_Filled):
    """A join that begins with a union of the tuples, which MariaDB and MySQL put beside each other in a table of their
    own: each is one look into the index. (For a chain of OR, or `IN`, they compare every index by every tuple first,
    which takes ten times as long.) The connection's collation is that of the columns."""

    def sql(
        self, table: Table, match: Sequence[str], selected: str, within: Sequence[str], size: int, first: int
    ) -> str:
        one = f"SELECT {', '.join(['%s'] * len(match))}"
        named = f"SELECT {', '.join(f'%s AS given_{name}' for name in match)}"
        equal = [f"{table.name}.{name} = given.given_{name}" for name in match]
        equal += [f"{table.name}.{name} = %s" for name in within]
        given = " UNION ALL ".join([named, *[one] * (size - 1)])
        return f"SELECT {selected} FROM ({given}) AS given STRAIGHT_JOIN {table.name} ON {' AND '.join(equal)}"


class _Unnested:
    """One array for each column of the tuples, so that one statement takes any number."""

    chunk = 10_000

    def size(self, count: int) -> int:
        return 0

    def sql(
        self, table: Table, match: Sequence[str], selected: str, within: Sequence[str], size: int, first: int
    ) -> str:
        binary = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
        arrays = [f"${n}::{'bytea' if name in binary else 'text'}[]" for n, name in enumerate(match, first)]
        equal = [f"{table.name}.{name} = given.given_{name}" for name in match]
        equal += [f"{table.name}.{name} = ${n}" for n, name in enumerate(within, first + len(match))]
        given = ", ".join(f"given_{name}" for name in match)
        return (
            f"SELECT {selected} FROM unnest({', '.join(arrays)}) AS given({given}) "
            f"JOIN {table.name} ON {' AND '.join(equal)}"
        )

    def values(self, width: int, given: Sequence[tuple[Any, ...]], size: int) -> list[Any]:
        return [[each[place] for each in given] for place in range(width)]


ASKING: dict[str, Asking] = {"sqlite": _Joined(), "postgresql": _Unnested(), "mysql": _United()}


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values in pieces that fit one statement."""
    return (values[start : start + size] for start in range(0, len(values), size))


def equip(conn: sqlite3.Connection) -> None:
    """Give the functions that statements on SQLite rely on; its own fold ASCII alone."""
    conn.create_function("casefolded", 1, str.casefold, deterministic=True)


def pragmas(*, busy_timeout: float) -> list[str]:
    """What each connection to SQLite is told when it opens.

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
"""What a new SQLite database is told before its first table; harmless to say again."""
