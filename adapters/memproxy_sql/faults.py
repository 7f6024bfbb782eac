"""Errors of the driver, of SQLAlchemy and of the file system, as errors of memproxy.

Only the kind of failure is told: a driver's message may quote what was being stored.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from memproxy.errors import BadRequest, Conflict, MemproxyError, StoreUnavailable

DRIVER = (SQLAlchemyError, sqlite3.Error, sqlite3.Warning, OSError, UnicodeEncodeError, OverflowError)
"""What a verb may raise that is not memproxy's. UnicodeEncodeError: an id with a lone surrogate; OverflowError: a
number that no column holds."""

_REMEDIES = {
    "SQLITE_BUSY": "is locked by another process; the call may be repeated",
    "SQLITE_LOCKED": "is locked; the call may be repeated",
    "SQLITE_FULL": "cannot grow: the disk is full; free some space",
    "SQLITE_READONLY": "cannot be written; check the permissions of the file and its folder",
    "SQLITE_PERM": "may not be opened; check the permissions of the file and its folder",
    "SQLITE_AUTH": "may not be opened; check the permissions of the file and its folder",
    "SQLITE_CANTOPEN": "cannot be opened; check that its folder exists and may be written",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
    "SQLITE_CORRUPT": "is damaged; restore a backup",
    "SQLITE_NOTADB": "is not a database; move it away or point the store elsewhere",
    "SQLITE_NOMEM": "ran out of memory",
}


def translated(error: Exception, file: Path) -> MemproxyError:
    """What to raise in place of `error`."""
    if isinstance(error, UnicodeEncodeError):
        return BadRequest("An id may hold neither NUL nor a lone surrogate.")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.IntegrityError):
        return Conflict("Somebody else stored the same thing at the same time; read it again.")
    if kind(cause) == "SQLITE_TOOBIG" or isinstance(cause, OverflowError):
        return BadRequest(f"The database {file} cannot hold a text or a number that is this large.")
    remedy = _REMEDIES.get(kind(cause)) or f"failed ({kind(cause) or type(cause).__name__})"
    return StoreUnavailable(f"The database {file} {remedy}.")


def kind(error: BaseException | None) -> str:
    """SQLite's name for the failure without its refinement: `SQLITE_IOERR_READ` is `SQLITE_IOERR`."""
    if isinstance(error, DBAPIError):
        error = error.orig
    return "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
