"""The model itself: texts in, unit vectors out, on the calling thread.

Both the tokenizer and the runtime release the GIL. One thread per run: short texts gain nothing from more, and two
cores serve two runs better than one run serves two cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime_errors
from tokenizers import Tokenizer

from memproxy.errors import ModelUnavailable
from memproxy.ports import Vector
from memproxy_minilm.folder import REMEDY, Config, read_config, verify

_RUNTIME_ERRORS = (
    runtime_errors.Fail,
    runtime_errors.InvalidArgument,
    runtime_errors.InvalidGraph,
    runtime_errors.InvalidProtobuf,
    runtime_errors.NoSuchFile,
    runtime_errors.NotImplemented,
    runtime_errors.RuntimeException,
    MemoryError,
)
_LONGEST_TOKEN = 20
"""Characters; text past `max_tokens` times this is cut off before the tokenizer reads it, as it would be after."""


class Model:
    """A loaded model folder. Safe to use from several threads."""

    def __init__(self, config: Config, session: onnxruntime.InferenceSession, tokenizer: Tokenizer) -> None:
        self.config = config
        self._session = session
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Verify the folder and load it (0.1 s); `ModelUnavailable` where it is missing or damaged."""
        config = read_config(folder)
        verify(folder, config)
        try:
            session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), _session_options(), providers=["CPUExecutionProvider"]
            )
        except _RUNTIME_ERRORS as error:
            raise ModelUnavailable(f"ONNX Runtime cannot load the model in {folder}: {REMEDY}") from error
        return cls(config, session, _tokenizer(folder / "tokenizer.json", config.max_tokens))

    @property
    def dimensions(self) -> int:
        return self.config.dimensions

    def encode_queries(self, texts: Sequence[str]) -> Vector:
        return self.encode([self.config.query_prefix + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vector:
        return self.encode([self.config.passage_prefix + text for text in texts])

    def encode(self, texts: Sequence[str]) -> Vector:
        """One unit vector per text, in order; the batch is padded to its longest text."""
        if not texts:
            return np.empty((0, self.config.dimensions), np.float32)
        ids, mask = self._tokens(texts)
        try:
            (states,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        except _RUNTIME_ERRORS as error:
            raise ModelUnavailable(f"the model {self.config.name} failed: {type(error).__name__}") from error
        return _unit(states[:, 0] if self.config.pooling == "cls" else _mean(states, mask))

    def _tokens(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        limit = self.config.max_tokens * _LONGEST_TOKEN
        # A lone half of a surrogate pair, which JSON can carry, is no text to the tokenizer.
        clean = [text[:limit].encode("utf-8", "replace").decode() for text in texts]
        encoded = self._tokenizer.encode_batch_fast(clean)
        ids = np.array([one.ids for one in encoded], np.int64)
        return ids, np.array([one.attention_mask for one in encoded], np.int64)


def _session_options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The arena keeps the largest batch ever seen; batches are small, and malloc gives the memory back.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3  # errors; they are raised too
    return options


def _tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    padding = tokenizer.padding or {}
    tokenizer.enable_truncation(max_tokens)
    tokenizer.enable_padding(pad_id=padding.get("pad_id", 0), pad_token=padding.get("pad_token", "[PAD]"))
    return tokenizer


def _mean(states: np.ndarray, mask: np.ndarray) -> np.ndarray:
    weights = mask.astype(np.float32)
    mean: np.ndarray = np.einsum("btd,bt->bd", states, weights) / weights.sum(axis=1, keepdims=True)
    return mean


def _unit(rows: np.ndarray) -> Vector:
    unit: Vector = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit.astype(np.float32, copy=False)
