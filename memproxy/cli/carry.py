"""Writing an export: into a file that appears only when it is complete, or down a pipe."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from memproxy.errors import ConfigError, MemproxyError
from memproxy.progress import Bars

if TYPE_CHECKING:
    from memproxy.client import MemproxyClient


def carry(client: MemproxyClient, entity: str, path: Path, *, force: bool) -> int:
    """Returns how many rows were written. Raises `ConfigError` where the file is there already."""
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already; --force replaces it", param="output")
    try:
        # In the same folder, so that it can take its name in one step.
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    except OSError as exc:
        raise ConfigError(f"{path} cannot be written: {exc.strerror}", param="output") from exc
    try:
        with os.fdopen(handle, "wb") as file:
            rows = pour(client, entity, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError as exc:
        raise MemproxyError(f"{path} cannot be written: {exc.strerror}") from exc
    finally:
        Path(name).unlink(missing_ok=True)
    return rows


def pour(client: MemproxyClient, entity: str, file: IO[bytes]) -> int:
    rows = 0
    with Bars(unit="rows") as bars:
        for size, piece in _counted(client.export(entity)):
            file.write(piece)
            rows += piece.count(b"\n")
            bars.advance(f"exporting {entity}", size, 0, count=rows)
        bars.advance(f"exporting {entity}", 1, 1, count=rows)
    return rows


def _counted(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    size = 0
    for piece in pieces:
        size += len(piece)
        yield size, piece
