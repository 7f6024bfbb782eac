"""An `Embedder` over the sentence-transformers library: slower to start and larger than the fast form, but any model.

A model is a name on the model hub, fetched once by `fetch`, or a folder. Serving one never fetches anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memproxy.errors import ConfigError, ModelUnavailable
from memproxy.ports import Vector
from memproxy_minilm.embedder import CACHE_SIZE, TwoLanes

EXTRA = "pip install 'memproxy-gateway[sentence-transformers]'"


def open_embedder(*, model_dir: Path, name: str | None = None, **options: object) -> SentenceTransformers:
    """The embedder for the model of that name, or in that folder.

    Options: `device` (`cpu`, `cuda`, `mps` …; by itself the library takes the best there is), `cache_size`.
    Raises `ConfigError` where no model is named."""
    if not name:
        raise ConfigError("name a model: sentence-transformers:NAME, or a folder that holds one", param="EMBEDDER")
    device, size = options.get("device"), options.get("cache_size")
    return SentenceTransformers(
        model_dir=model_dir,
        name=name,
        device=device if isinstance(device, str) else None,
        cache_size=size if isinstance(size, int) else CACHE_SIZE,
    )


def fetch(name: str, model_dir: Path) -> None:
    """Fetch a model from the model hub into `model_dir`; a later `open_embedder` finds it there."""
    load(name, model_dir, device="cpu", fetching=True)


def load(name: str, model_dir: Path, *, device: str | None, fetching: bool = False) -> Any:
    """The library's model object. `ConfigError` where the library is missing, `ModelUnavailable` where the model is."""
    library = _library()
    try:
        return library.SentenceTransformer(
            name, device=device, cache_folder=str(model_dir / "sentence-transformers"), local_files_only=not fetching
        )
    except (OSError, ValueError, RuntimeError) as error:
        remedy = "is it spelt right, and the model hub within reach?" if fetching else "fetch it first"
        raise ModelUnavailable(
            f"sentence-transformers cannot load {name} ({type(error).__name__}): {remedy}"
        ) from error


def _library() -> Any:
    try:
        import sentence_transformers
    except ImportError as error:
        raise ConfigError(f"sentence-transformers is not installed: {EXTRA}", param="EMBEDDER") from error
    return sentence_transformers


class SentenceTransformers(TwoLanes):
    """Vectors carry the name of the model alone: on which device they were made does not matter."""

    def __init__(self, *, model_dir: Path, name: str, device: str | None = None, cache_size: int = CACHE_SIZE) -> None:
        super().__init__(
            name=Path(name).name if Path(name).is_absolute() else name,
            load=lambda: _Encoder(load(name, model_dir, device=device)),
            cache_size=cache_size,
        )


class _Encoder:
    def __init__(self, model: Any) -> None:
        self._model = model
        self.dimensions = int(model.get_embedding_dimension())

    def encode_queries(self, texts: Sequence[str]) -> Vector:
        return self._encode(self._model.encode_query, texts)

    def encode_passages(self, texts: Sequence[str]) -> Vector:
        return self._encode(self._model.encode_document, texts)

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vector:
        # A lone half of a surrogate pair, which JSON can carry, is no text to the tokenizer.
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        rows = encode(clean, batch_size=len(clean), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, np.float32)
