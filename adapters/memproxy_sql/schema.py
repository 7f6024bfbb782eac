"""The schema and its versions: brought up to date when a store opens, by Alembic, under a lock.

Alembic takes a third of a second to import, so it is imported only where there is something to do.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from memproxy.errors import ConfigError, StoreUnavailable

HEAD = "0002"
"""The newest migration in `migrations/versions`."""

MIGRATIONS = Path(__file__).parent / "migrations"

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


def upgrade(conn: Connection, file: Path) -> None:
    """Bring the schema to `HEAD`. Raises `ConfigError` where the database is not memproxy's, or a newer one's."""
    current = revision(conn)
    if current == HEAD:
        return
    if current is None and inspect(conn).get_table_names():
        raise ConfigError(
            f"{file} is a database of another program. Name another file in the setting `store`.", param="store"
        )
    _migrate(conn, file, current)


def revision(conn: Connection) -> str | None:
    """The version of the schema; None where there is none yet."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _migrate(conn: Connection, file: Path, current: str | None) -> None:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(MIGRATIONS))
    if current is not None and current not in {step.revision for step in script.walk_revisions()}:
        raise ConfigError(
            f"{file} has schema {current}, which is newer than this memproxy knows ({HEAD}). "
            "Run the newer memproxy, or restore the backup made before it was upgraded.",
            param="store",
        )
    steps = {"fn": lambda revision, _: script._upgrade_revs("head", revision)}
    context = MigrationContext.configure(conn, opts=steps)
    with Operations.context(context):
        context.run_migrations()
