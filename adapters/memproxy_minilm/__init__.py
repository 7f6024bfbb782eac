"""The fast embedder: a sentence-transformers model compiled to int8, served by ONNX Runtime without torch."""

from memproxy_minilm.download import check, pull
from memproxy_minilm.embedder import MiniLM, open_embedder

__all__ = ["MiniLM", "check", "open_embedder", "pull"]
