"""The index that memproxy ships, as one that writes snapshots of small entities too."""

from __future__ import annotations

from pathlib import Path

from memproxy_hnsw import open_index as open_shipped
from memproxy_hnsw.index import HnswIndex

GRAPH_ABOVE = 32


def open_index(*, data_dir: Path, dimensions: int, model: str | None = None, **options: object) -> HnswIndex:
    return open_shipped(data_dir=data_dir, dimensions=dimensions, model=model, graph_above=GRAPH_ABOVE, **options)
