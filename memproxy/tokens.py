"""Counts tokens: with o200k's ranks where they were pulled, by a careful estimate where not.

Facts are counted once, when they are written, and packing only adds the counts up. That a block costs what its lines
cost holds because of how o200k splits text: a line break ends a piece, and `- ` begins a new one.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import tiktoken
from tiktoken_ext import openai_public  # type: ignore[import-untyped]

from memproxy.errors import ModelUnavailable

_FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""The name tiktoken gives the o200k ranks in its cache."""
_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"

_LOADING = threading.Lock()  # of the whole process: loading sets an environment variable for a moment


class O200k:
    """A `Tokenizer` with the ranks in `cache_dir`. They are loaded by the first `count` (0.3 s, 50 MB), or by `load`.

    Never fetches anything. Special tokens in a text are text."""

    def __init__(self, *, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._encoding: tiktoken.Encoding | None = None

    def count(self, text: str) -> int:
        """Tokens of the text. Raises `ModelUnavailable` where the ranks are missing or damaged."""
        return len((self._encoding or self.load()).encode_ordinary(text))

    def load(self) -> tiktoken.Encoding:
        """Load the ranks now, on this thread. Raises `ModelUnavailable`."""
        with _LOADING:
            if self._encoding is None:
                self._verify()
                self._encoding = _encoding(self._cache_dir)
            return self._encoding

    def _verify(self) -> None:
        # tiktoken would answer a missing or damaged file with a download; so it never gets to see one.
        try:
            digest = hashlib.sha256((self._cache_dir / _FILE).read_bytes()).hexdigest()
        except OSError as error:
            raise ModelUnavailable(f"no token ranks in {self._cache_dir}: run `memproxy model pull`") from error
        if digest != _SHA256:
            raise ModelUnavailable(f"the token ranks in {self._cache_dir} are damaged: run `memproxy model pull`")


def _encoding(cache_dir: Path) -> tiktoken.Encoding:
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(cache_dir)
    try:
        # Built here and not by `get_encoding`, whose registry would keep a second table of 30 MB alive for good.
        encoding = tiktoken.Encoding(**openai_public.o200k_base())
    finally:
        if before is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]
        else:
            os.environ["TIKTOKEN_CACHE_DIR"] = before
    encoding._mergeable_ranks = {}  # serves only to copy an encoding
    return encoding


class Estimate:
    """A `Tokenizer` without ranks that would rather count too many: a block may be smaller than allowed, not larger."""

    def count(self, text: str) -> int:
        return sum(map(_estimate, text.split(" "))) if text else 0


def _estimate(word: str) -> int:
    """Common words are one token; long ones, figures and signs break up; other scripts take up to one per two bytes."""
    if not word.isascii():
        return 1 + len(word.encode("utf-8", "replace")) // 2
    letters = sum(map(str.isalpha, word))
    return 1 + letters // (5 if letters <= 12 else 3) + (len(word) - letters)
