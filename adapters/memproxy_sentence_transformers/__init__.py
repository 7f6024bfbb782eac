"""Any sentence-transformers model as an embedder, on CPU or GPU; and the way from such a model to the fast form.

An extra: `pip install 'memproxy-gateway[sentence-transformers]'`. torch is loaded when a model is, not before.
"""

from memproxy_sentence_transformers.compile import compile_model
from memproxy_sentence_transformers.embedder import SentenceTransformers, fetch, open_embedder

__all__ = ["SentenceTransformers", "compile_model", "fetch", "open_embedder"]
