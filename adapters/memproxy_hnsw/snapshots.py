"""Graphs on disk, so that a large entity need not be drawn anew after a restart.

    <key>.json                  what the graph is: format, version, dimensions, model, checksum; written last
    <key>-<version>-<n>.graph   hnswlib's own format
    <key>-<version>-<n>.draft   the same, being written by a process that holds a lock on it

Several processes may share the folder. Each takes its lock to change which files there are, and not while it writes or
reads vectors; of two that save the same entity the last one counts.

`key` is a hash of tenant and entity: names that callers choose never become paths. A snapshot may be older than the
store (the core feeds the difference) but never different from what it says: one that does not match is deleted.
Nothing is synced to disk; a file that a crash tore does not have its checksum.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from memproxy_hnsw.graph import Graph

log = logging.getLogger(__name__)

FORMAT = 2
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Whose:
    """Of which life of which entity a snapshot is."""

    key: Key
    born: int


@dataclass(frozen=True, slots=True)
class _Label:
    version: int
    dimensions: int
    model: str | None
    file: str
    sha256: str
    dead: list[int]
    key: Key
    born: int
    format: int = FORMAT

    @property
    def whose(self) -> Whose:
        return Whose((self.key[0], self.key[1]), self.born)


class Snapshots:
    """All methods do I/O: call them on a thread. `OSError` where the disk does not play along."""

    def __init__(self, *, folder: Path, dimensions: int, model: str | None) -> None:
        self._folder = folder
        self._dimensions = dimensions
        self._model = model

    def open(self) -> dict[str, Whose]:
        """Make the folder, sweep away what a crash left, and return all snapshots by name."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with _lock(self._folder):
            found: dict[str, Whose] = {}
            for path in self._folder.glob("*.json"):
                try:
                    found[path.stem] = self._label(path.stem).whose
                except (ValueError, KeyError, TypeError, IndexError):
                    path.unlink()
            for path in self._folder.iterdir():
                orphan = path.suffix == ".graph" and path.stem.partition("-")[0] not in found
                if orphan or (path.suffix == ".draft" and not _being_written(path)):
                    path.unlink()
        return found

    def there(self, key: Key) -> bool:
        return (self._folder / f"{name_of(key)}.json").exists()

    def save(self, whose: Whose, graph: Graph, version: int, wanted: Callable[[], bool]) -> None:
        """Write the graph beside the old one, then let the label point to it; unless it is not `wanted` any more, for
        a `drop` that has returned must leave nothing behind."""
        name = name_of(whose.key)
        draft = self._folder / f"{name}-{version}-{secrets.token_hex(4)}.draft"
        with _lock(self._folder):
            if not wanted():
                return
            writing = _open(draft, os.O_RDWR | os.O_CREAT)
        try:
            dead = graph.save(draft)
            file, sha256 = draft.with_suffix(".graph").name, _sha256(draft)
            label = _Label(version, self._dimensions, self._model, file, sha256, dead, whose.key, whose.born)
            with _lock(self._folder):
                if wanted() and draft.exists():
                    self._publish(name, draft, label)
        finally:
            draft.unlink(missing_ok=True)
            os.close(writing)

    def _publish(self, name: str, draft: Path, label: _Label) -> None:
        draft.replace(self._folder / label.file)
        note = self._folder / f"{name}.json.draft"
        note.write_text(json.dumps(asdict(label)))
        note.replace(self._folder / f"{name}.json")
        self._sweep(f"{name}-*.graph", keep=label.file)

    def load(self, key: Key) -> tuple[Graph, int, int] | None:
        """The graph, its version and its life; None, and the snapshot is gone, where it is not what it should be."""
        name = name_of(key)
        label = None
        try:
            label = self._label(name)
            path = self._folder / label.file
            if (label.format, label.dimensions, label.model) != (FORMAT, self._dimensions, self._model):
                raise ValueError("it was made for another model or version")
            if path.parent != self._folder or _sha256(path) != label.sha256:
                raise ValueError("its checksum is wrong")
            return Graph.load(path, self._dimensions, label.dead), label.version, label.born
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            log.warning("discarding the snapshot %s: %s", name, error)
            with _lock(self._folder):
                if not self._replaced(name, label):
                    self._drop(name)
            return None

    def drop(self, key: Key) -> None:
        with _lock(self._folder):
            self._drop(name_of(key))

    def _drop(self, name: str) -> None:
        (self._folder / f"{name}.json").unlink(missing_ok=True)
        self._sweep(f"{name}-*")

    def _replaced(self, name: str, label: _Label | None) -> bool:
        """Whether another process has saved a good one meanwhile."""
        try:
            return label is not None and self._label(name).file != label.file
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _label(self, name: str) -> _Label:
        raw = json.loads((self._folder / f"{name}.json").read_bytes())
        return _Label(**{field.name: raw[field.name] for field in fields(_Label)})

    def _sweep(self, files: str, keep: str = "") -> None:
        for path in self._folder.glob(files):
            if path.name != keep:
                path.unlink(missing_ok=True)


def name_of(key: Key) -> str:
    """The file name of an entity's snapshot, without suffix."""
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:40]


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    handle = _open(folder, os.O_RDONLY)
    try:
        yield
    finally:
        os.close(handle)


def _open(path: Path, how: int) -> int:
    """With a lock, that is let go when it is closed."""
    handle = os.open(path, how, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def _being_written(draft: Path) -> bool:
    handle = os.open(draft, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
