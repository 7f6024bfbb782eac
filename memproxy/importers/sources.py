"""Where an export lies: a file, a zip archive as it was downloaded, the folder it was unpacked to, or standard input.

Files are mapped, not read; what comes out of an archive or a pipe is put into a temporary file first.
"""

from __future__ import annotations

import mmap
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from memproxy.errors import BadRequest
from memproxy.importers.records import Data

# Large exports come in numbered parts.
CONVERSATIONS = re.compile(r"(?:.*/)?conversations(?:[-_]\d+)?\.json")


def parts(path: Path) -> Iterator[IO[bytes]]:
    """The files that hold conversations, opened one after the other. `-` is standard input. Raises `BadRequest`."""
    try:
        if str(path) == "-":
            yield from _spooled(sys.stdin.buffer)
        elif path.is_dir():
            yield from _folder(path)
        elif not path.is_file():
            with path.open("rb") as pipe:
                yield from _spooled(pipe)
        elif zipfile.is_zipfile(path):
            yield from _archive(path)
        else:
            with path.open("rb") as file:
                yield file
    except OSError as exc:
        raise BadRequest(f"{path} cannot be read: {exc.strerror or exc}") from exc


def mapped(file: IO[bytes]) -> Data:
    """The content of a file, without reading it into memory."""
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file cannot be mapped
        return b""


def _folder(path: Path) -> Iterator[IO[bytes]]:
    names = sorted(one for one in path.iterdir() if CONVERSATIONS.fullmatch(one.name))
    if not names:
        raise BadRequest(f"there is no conversations.json in {path}")
    for name in names:
        with name.open("rb") as file:
            yield file


def _archive(path: Path) -> Iterator[IO[bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if CONVERSATIONS.fullmatch(name))
            if not names:
                raise BadRequest(f"there is no conversations.json in {path}")
            for name in names:
                with archive.open(name) as member:
                    yield from _spooled(member)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as exc:
        raise BadRequest(f"{path} is a damaged or encrypted archive: {exc}") from exc


def _spooled(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(stream, file)
        file.flush()
        yield file
