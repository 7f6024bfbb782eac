"""Graphs on disk, so that a large entity need not be drawn anew after a restart.

    <key>.json            what the graph is: format, version, dimensions, model, checksum; written last
    <key>-<version>.graph hnswlib's own format

`key` is a hash of tenant and entity: names that callers choose never become paths. A snapshot may be older than the
store (the core feeds the difference) but never different from what it says: one that does not match is deleted.
Nothing is synced to disk; a file that a crash tore does not have its checksum.
"""

from __future__ import annotations

import hashlib
import json
import logging
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
        found: dict[str, Whose] = {}
        for path in self._folder.glob("*.json"):
            try:
                found[path.stem] = self._label(path.stem).whose
            except (ValueError, KeyError, TypeError, IndexError):
                path.unlink(missing_ok=True)
        for path in self._folder.iterdir():
            if path.suffix == ".draft" or (path.suffix == ".graph" and path.stem.partition("-")[0] not in found):
                path.unlink(missing_ok=True)
        return found

    def save(self, whose: Whose, graph: Graph, version: int) -> None:
        """Write the graph beside the old one, then let the label point to it."""
        name = name_of(whose.key)
        final, draft = self._folder / f"{name}-{version}.graph", self._folder / f"{name}-{version}.draft"
        dead = graph.save(draft)
        label = _Label(version, self._dimensions, self._model, final.name, _sha256(draft), dead, whose.key, whose.born)
        draft.replace(final)
        note = self._folder / f"{name}.json.draft"
        note.write_text(json.dumps(asdict(label)))
        note.replace(self._folder / f"{name}.json")
        self._sweep(name, keep=final.name)

    def load(self, key: Key) -> tuple[Graph, int, int] | None:
        """The graph, its version and its life; None, and the snapshot is gone, where it is not what it should be."""
        name = name_of(key)
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
            self.drop(key)
            return None

    def drop(self, key: Key) -> None:
        name = name_of(key)
        (self._folder / f"{name}.json").unlink(missing_ok=True)
        self._sweep(name)

    def _label(self, name: str) -> _Label:
        raw = json.loads((self._folder / f"{name}.json").read_bytes())
        return _Label(**{field.name: raw[field.name] for field in fields(_Label)})

    def _sweep(self, name: str, keep: str = "") -> None:
        for path in self._folder.glob(f"{name}-*"):
            if path.name != keep:
                path.unlink(missing_ok=True)


def name_of(key: Key) -> str:
    """The file name of an entity's snapshot, without suffix."""
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:40]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
