"""The schema and its versions: brought up to date when a store opens, by Alembic, under a lock.

Alembic takes a third of a second to import, so it is imported only where there is something to do.

A new step is a file in `migrations/versions`, made for all databases: types of columns through `dialect.everywhere`,
new tables with `dialect.table_options`. MariaDB and MySQL commit each statement, and a step that broke off is begun
again: it looks whether a column or table is there before it makes it. `HEAD` names it, the models show what it leads
to, and `python -m tests.adapters.data.make` keeps a database of it for all later tests.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, inspect, text

from memproxy.domain import SchemaVersion
from memproxy.errors import ConfigError, StoreUnavailable
from memproxy_sql import dialect
from memproxy_sql.dialect import serial

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

HEAD = "0002"
"""The newest migration in `migrations/versions`."""

MIGRATIONS = Path(__file__).parent / "migrations"

_VERSION = "alembic_version"
OWN = "memproxy_"
"""Tables whose names begin so are memproxy's, but not of the schema: `memproxy_setup`, and what adapters derive."""

_POLL = 0.05


@contextmanager
def lock(file: Path, *, patience: float) -> Iterator[None]:
    """Held while a database is set up, so that of two processes that start at once one waits, at most `patience`
    seconds. The lock file stays: to delete it would let a third process in."""
    handle = os.open(file.with_name(file.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(handle, file, patience)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, file: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"Another process is still setting up the database {file}.") from error
            time.sleep(_POLL)


def upgrade(conn: Connection, name: Path | str) -> None:
    """Bring the schema to `HEAD`. Raises `ConfigError` where the database is not memproxy's, or a newer one's.

    A new database of a server is made from the models at once, for the older steps were SQLite's alone; SQLite goes the
    whole way, which the tests compare with the models. Servers too go step by step from what they have."""
    current = _known(conn, name)
    if current == HEAD:
        return
    if current is None and not serial(conn):
        create(conn)
    else:
        _migrate(conn)


def versions(conn: Connection | None, name: Path | str) -> list[SchemaVersion]:
    """All versions, oldest first; None is a database that is not there. Raises `ConfigError` as `upgrade` does."""
    current = None if conn is None else _known(conn, name)
    found, applied = [], False
    for step in _script().walk_revisions():
        applied = applied or step.revision == current
        found.append(SchemaVersion(step.revision, step.doc, applied))
    return found[::-1]


def _known(conn: Connection, name: Path | str) -> str | None:
    """The version of the schema, where it is memproxy's and one that this program knows."""
    current = revision(conn)
    if current == HEAD:
        return current
    if _foreign(conn, current):
        raise ConfigError(
            f"{name} is a database of another program. Name another in the setting `store`.", param="store"
        )
    if current is not None and current not in {step.revision for step in _script().walk_revisions()}:
        raise ConfigError(
            f"{name} has schema {current}, which is newer than this memproxy knows ({HEAD}). "
            "Run the newer memproxy, or restore the backup made before it was upgraded.",
            param="store",
        )
    return current


def _foreign(conn: Connection, current: str | None) -> bool:
    """Whether the tables are another program's, which may use Alembic too."""
    names = {name for name in inspect(conn).get_table_names() if not name.startswith(OWN)}
    if current is not None:
        return not {"entity", "message"} <= names
    return bool(names) and (serial(conn) or _VERSION not in names or not names - {_VERSION} <= set(_models()))


def _models() -> Mapping[str, Table]:
    from memproxy_sql.models import tables

    return tables


def create(conn: Connection) -> None:
    """Make a new database. MySQL commits each step: one that was broken off has no revision yet, and is made anew."""
    from memproxy_sql.models import Stored

    Stored.metadata.drop_all(conn)
    conn.execute(text(f"CREATE TABLE IF NOT EXISTS {_VERSION} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    Stored.metadata.create_all(conn)
    for statement in dialect.ALSO.get(conn.dialect.name, ()):
        conn.execute(text(statement))
    conn.execute(text(f"INSERT INTO {_VERSION} VALUES ('{HEAD}')"))


def revision(conn: Connection) -> str | None:
    """The version of the schema; None where there is none yet."""
    if not inspect(conn).has_table(_VERSION):
        return None
    found: str | None = conn.execute(text(f"SELECT version_num FROM {_VERSION}")).scalar()
    return found


def _script() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(MIGRATIONS))


def _migrate(conn: Connection) -> None:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    script = _script()
    steps = {"fn": lambda revision, _: script._upgrade_revs("head", revision)}
    context = MigrationContext.configure(conn, opts=steps)
    with Operations.context(context):
        context.run_migrations()
