"""Wipes what deleted rows leave behind in the files of a SQLite database that is in use.

`secure_delete` overwrites what is deleted, where it was last. Two kinds of older copies it leaves:

- The log holds pages as they were, until it is checkpointed and truncated.
- Where rows moved from page to page as a tree was balanced, their bytes stay in the gap of the page they left: between
  its list of cells and its cells, where SQLite reads nothing and writes again whenever it likes.

So the log is truncated and the gaps are zeroed, in slices, each under the write lock and with nothing left in the log.
A commit after each slice makes every connection read its pages anew, lest one writes a page back as it remembers it.

This is a program of its own, and runs as one: closing a file drops the locks that its process holds on it, those of
SQLite's connections too. It needs the standard library alone, so that it starts fast, and leaves the interpreter of
the chats alone. `VACUUM` does the same for hundred times the writing, and nobody can commit meanwhile.

    python wipe.py FILE SECONDS    exits with 75 where others left it no chance for so long, at any step
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

BUSY = 75
"""Exit status; EX_TEMPFAIL."""

_SLICE = 16 << 20
"""Bytes wiped under one lock: about ten milliseconds."""
_PAUSE = 0.01
"""Seconds between two slices or two checkpoints, for those who wait to commit."""
_POLL = 0.001
"""Seconds between two tries to become the writer, as in `connection.py`: whoever waits longer never has a turn."""

_HEADERS = {2: 12, 5: 12, 10: 8, 13: 8}
"""Pages of trees by their first byte, with the size of their header."""
_MOST_UNMAPPED = 1 << 24
_ZEROS = bytes(65536)


class Busy(Exception):
    """Others left no chance."""


class Layout:
    """Which page of a database file is what; see "Database File Format" in SQLite's documentation."""

    def __init__(self, raw: int) -> None:
        header = os.pread(raw, 100, 0)
        size = int.from_bytes(header[16:18], "big")
        self.page = 65536 if size == 1 else size
        self._raw = raw
        self._usable = self.page - header[20]
        self._mapped = any(header[52:56])
        """Whether a pointer map says of each page what it is: where `auto_vacuum` is on."""
        if not self._mapped and os.fstat(raw).st_size // self.page >= _MOST_UNMAPPED:
            raise ValueError("too large to tell pages apart by their first byte")

    def gap(self, data: bytes, start: int) -> tuple[int, int]:
        """From where to where the page at `start` of `data` is unused, if it is one of a tree."""
        header = _HEADERS.get(data[start])
        if header is None:
            return start, start
        cells = int.from_bytes(data[start + 3 : start + 5], "big")
        content = int.from_bytes(data[start + 5 : start + 7], "big") or 65536
        return start + header + 2 * cells, start + min(content, self._usable)

    def of_tree(self, number: int) -> bool:
        """Whether a page that looks like one of a tree is one. Page 1 holds the schema and nothing else."""
        if number == 1:
            return False
        if not self._mapped:
            return True  # the first byte tells: in other pages it is the highest of a page's number, and 0
        run = self._usable // 5 + 1
        page_map = (number - 2) // run * run + 2
        page_map += page_map == (1 << 30) // self.page + 1  # SQLite locks bytes of that page, and never uses it
        if number <= page_map:
            return False
        entry = (page_map - 1) * self.page + 5 * (number - page_map - 1)
        return os.pread(self._raw, 1, entry) in (b"\1", b"\5")  # a root, another page


def wipe(file: str, patience: float) -> None:
    """Raises `Busy` where any step had no chance for `patience` seconds."""
    raw = os.open(file, os.O_RDWR)
    try:
        with closing(_connect(file, 0)) as writer, closing(_connect(file, 0.1)) as other:
            _insist(patience, partial(_checkpoint, other, "TRUNCATE"))
            start = 0
            while start < os.fstat(raw).st_size:
                _insist(patience, partial(_wipe_slice, raw, writer, other, start), pause=_POLL)
                start += _SLICE
                time.sleep(_PAUSE)
            _insist(patience, partial(_checkpoint, other, "TRUNCATE"))
    finally:
        os.close(raw)  # not before the connections, whose locks go with it


def _connect(file: str, timeout: float) -> sqlite3.Connection:
    conn = sqlite3.connect(file, isolation_level=None, timeout=timeout)
    conn.execute("PRAGMA synchronous = FULL")
    return conn


def _insist(patience: float, step: Callable[[], bool], pause: float = _PAUSE) -> None:
    deadline = time.monotonic() + patience
    while not step():
        if time.monotonic() > deadline:
            raise Busy
        time.sleep(pause)


def _checkpoint(conn: sqlite3.Connection, mode: str) -> bool:
    """Whether everything in the log has come to the file."""
    try:
        busy, pages, moved = conn.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    except sqlite3.OperationalError as error:
        return _only_busy(error)
    return not busy and bool(pages == moved)


def _only_busy(error: sqlite3.OperationalError) -> bool:
    if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return False
    raise error


def _wipe_slice(raw: int, writer: sqlite3.Connection, other: sqlite3.Connection, start: int) -> bool:
    try:
        writer.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return _only_busy(error)
    try:
        if not _checkpoint(other, "PASSIVE"):
            return False
        for offset, length in _stained(raw, start):
            os.pwrite(raw, _ZEROS[:length], offset)
        os.fsync(raw)
        (version,) = writer.execute("PRAGMA user_version").fetchone()
        writer.execute(f"PRAGMA user_version = {(version + 1) % 2**31}")  # nobody reads it: a commit that costs a page
        writer.execute("COMMIT")
        return True
    finally:
        if writer.in_transaction:
            writer.execute("ROLLBACK")


def _stained(raw: int, start: int) -> Iterator[tuple[int, int]]:
    """The gaps that are not all zeros."""
    layout = Layout(raw)
    data = os.pread(raw, _SLICE, start)
    for at in range(0, len(data), layout.page):
        first, end = layout.gap(data, at)
        if first < end and not _ZEROS.startswith(data[first:end]) and layout.of_tree((start + at) // layout.page + 1):
            yield start + first, end - first


if __name__ == "__main__":
    try:
        wipe(sys.argv[1], float(sys.argv[2]))
    except Busy:
        sys.exit(BUSY)
