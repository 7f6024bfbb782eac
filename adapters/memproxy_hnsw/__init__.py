"""The vector index in this process: one hnswlib index per entity, exact while small, a graph once large."""

from memproxy_hnsw.index import HnswIndex, open_index

__all__ = ["HnswIndex", "open_index"]
