"""Errors of the driver as errors of memproxy.

Only the kind of failure is told: a driver's message may quote what was being stored, and addresses.
"""

from __future__ import annotations

from bson.errors import BSONError, InvalidDocument
from pymongo import errors

from memproxy.errors import BadRequest, Conflict, MemproxyError, StoreUnavailable

DRIVER = (errors.PyMongoError, BSONError, OSError, UnicodeError, OverflowError, RuntimeError)
"""What a call of the driver may raise that is not memproxy's. UnicodeError: an id with a lone surrogate; OverflowError:
a number that no document holds; RuntimeError: the threads of the driver end with the process."""

REFUSED = frozenset({13, 18, 8000})
"""Codes of a server that knows nobody by this name and password, or does not let them."""

_READ_ONLY = frozenset({10107, 13435, 11602, 189, 91, 11600})
_FULL = frozenset({14031})


def code(error: BaseException | None) -> int | None:
    if isinstance(error, errors.BulkWriteError):
        return next((told["code"] for told in _told(error)), None)
    return error.code if isinstance(error, errors.OperationFailure) else None


def taken(error: errors.BulkWriteError) -> list[int] | None:
    """The places in the batch of what was there already; None where something else went wrong too."""
    told = _told(error)
    other = [each for each in told if each["code"] != 11000] or error.details.get("writeConcernErrors")
    return None if other else [each["index"] for each in told]


def _told(error: errors.BulkWriteError) -> list[dict[str, int]]:
    return list(error.details.get("writeErrors", []))


def translated(error: Exception, place: str) -> MemproxyError:
    """What to raise in place of `error`, of the database called `place`."""
    match error:
        case UnicodeError():
            return BadRequest("An id may hold neither NUL nor a lone surrogate.")
        case errors.DocumentTooLarge():
            return BadRequest("MongoDB holds no document of more than 16 MB.")
        case InvalidDocument() | OverflowError():
            return BadRequest(f"The database {place} cannot hold a value ({type(error).__name__}).")
        case errors.DuplicateKeyError():
            return Conflict("Somebody else stored the same thing at the same time; read it again.")
    return StoreUnavailable(f"The database {place} {_remedy(error)}.")


def _remedy(error: Exception) -> str:
    number = code(error)
    if number in REFUSED:
        return "refuses the name and password, or what they may do; check the setting `store`"
    if number in _READ_ONLY or isinstance(error, errors.NotPrimaryError):
        return "cannot be written just now: no primary answers; the call may be repeated"
    if number in _FULL:
        return "cannot grow: the disk is full; free some space"
    match error:
        case errors.NetworkTimeout() | errors.ExecutionTimeout() | errors.WTimeoutError():
            return "does not answer in time; the call may be repeated"
        case errors.WaitQueueTimeoutError():
            return "has no free connection; raise maxPoolSize in the setting `store`"
        case errors.ConnectionFailure():
            return "cannot be reached; the call may be repeated when it is back"
    return f"failed ({type(error).__name__}{'' if number is None else f', code {number}'})"
