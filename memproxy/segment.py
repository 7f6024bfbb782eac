"""A file of the journal: records, each with its length and checksums, and a lock that says whose file it is.

    magic │ mark size crc crc-of-head │ turn │ mark size crc crc-of-head │ turn │ …

Half a record at the end is what a crash leaves of a turn whose reply nobody saw end. Anything else that cannot be read
is damage: reading goes on at the next mark behind it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import msgspec

from memproxy.domain import Turn

MAGIC = b"memproxy journal 2\n"
MARK = b"\xf5tn\xf5"
"""Begins each record; its first byte is in no text."""
_HEAD = struct.Struct(">4sII")
_CHECK = struct.Struct(">I")
HEAD = _HEAD.size + _CHECK.size

WAITING = "turns-*.log"
REFUSED = "refused-*.log"
DAMAGED = "*.damaged"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Turn).decode


def framed(turn: Turn) -> bytes:
    payload = _encode(turn)
    head = _HEAD.pack(MARK, len(payload), zlib.crc32(payload))
    return head + _CHECK.pack(zlib.crc32(head)) + payload


def read(path: Path) -> tuple[list[Turn], int]:
    """The turns of a file, and how many records of it cannot be read."""
    turns: list[Turn] = []
    damaged = 0
    for payload in _records(path.read_bytes()):
        try:
            if payload is None:
                raise ValueError(path)
            turns.append(_decode(payload))
        except (ValueError, msgspec.DecodeError):
            damaged += 1
    return turns, damaged


def _records(data: bytes) -> Iterator[bytes | None]:
    """What each record holds; None for damage."""
    at = len(MAGIC)
    if data and not data.startswith(MAGIC[: len(data)]):
        yield None
        at = _next_mark(data, 0)
    while at + HEAD <= len(data):
        mark, size, checksum = _HEAD.unpack_from(data, at)
        (check,) = _CHECK.unpack_from(data, at + _HEAD.size)
        if mark != MARK or zlib.crc32(data[at : at + _HEAD.size]) != check:
            yield None
            at = _next_mark(data, at + 1)
            continue
        payload = data[at + HEAD : at + HEAD + size]
        if len(payload) < size:
            return
        yield payload if zlib.crc32(payload) == checksum else None
        at += HEAD + size


def _next_mark(data: bytes, start: int) -> int:
    found = data.find(MARK, start)
    return found if found >= 0 else len(data)


@dataclass(slots=True, eq=False)
class Segment:
    """A file that this process alone writes, replays and deletes: it holds the lock."""

    path: Path
    file: FileIO
    size: int
    turns: int

    @classmethod
    def new(cls, folder: Path) -> Segment:
        return cls.made(folder / f"turns-{time.time_ns():020d}-{os.getpid()}.log", [])

    @classmethod
    def made(cls, path: Path, turns: Sequence[Turn]) -> Segment:
        """A file that holds these turns, in place of the one of that name if there is one."""
        fresh = path.with_suffix(".new")
        file = FileIO(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = _written(file, b"".join([MAGIC, *map(framed, turns)]))
            fresh.replace(path)
            sync(path.parent)
        except BaseException:
            file.close()
            fresh.unlink(missing_ok=True)
            raise
        return cls(path, file, size, len(turns))

    @classmethod
    def taken_over(cls, path: Path) -> Segment | None:
        """The file of a process that has ended; None where its process lives, or somebody else was faster."""
        try:
            file = FileIO(os.open(path, os.O_RDWR), "r+")
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                raise BlockingIOError
            turns, _ = read(path)
        except (BlockingIOError, FileNotFoundError):
            file.close()
            return None
        return cls(path, file, os.fstat(file.fileno()).st_size, len(turns))

    def append(self, records: Sequence[bytes]) -> None:
        """Returns when they are on the disk. After an error the file is of no use for more."""
        self.size += _written(self.file, b"".join(records))
        self.turns += len(records)

    def end(self, left: Sequence[Turn], *, damaged: int) -> Segment | None:
        """What is left of it when the others are in the store, if anything is. A file with damage in it is kept under
        another name."""
        aside = self.path.with_suffix(".damaged")
        if damaged and not aside.exists():
            os.link(self.path, aside)
        kept = self.made(self.path, left) if left else None
        if kept is None:
            self.path.unlink(missing_ok=True)
        sync(self.path.parent)
        self.file.close()
        return kept


def _written(file: FileIO, data: bytes) -> int:
    view = memoryview(data)
    while view:
        view = view[os.write(file.fileno(), view) :]
    os.fsync(file.fileno())
    return len(data)


def sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
