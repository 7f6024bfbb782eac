"""Makes `memproxy/recall/related_words.txt`: English words of like meaning, from the default model alone.

The vocabulary of its tokenizer is in the order of how common its words are. The commonest are embedded one by one, and
each is written down, stemmed, with those that are nearest to it.

    python -m bench.related
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from memproxy.config import Settings
from memproxy.recall.words import STOP, stem
from memproxy_minilm.folder import folder_of
from memproxy_minilm.model import Model

COMMON = 16_000
"""Entries of the vocabulary; rarer words are mostly names."""
NEAR, MOST = 0.6, 4
"""The least cosine, and how many to keep of a word."""
BATCH = 32

TARGET = Path(__file__).parent.parent / "memproxy" / "recall" / "related_words.txt"


def main() -> None:
    folder = folder_of(Settings().model_dir, None)
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    words = sorted(word for word, place in ids.items() if place < COMMON and re.fullmatch("[a-z]{3,}", word))
    words = [word for word in words if word not in STOP]
    model = Model.load(folder)
    batches = (words[start : start + BATCH] for start in range(0, len(words), BATCH))
    vectors = np.concatenate([model.encode(batch) for batch in batches])
    lines = (f"{word} {' '.join(entries)}\n" for word, entries in sorted(_entries(words, vectors).items()))
    TARGET.write_text("".join(lines))


def _entries(words: list[str], vectors: np.ndarray) -> Mapping[str, list[str]]:
    near: dict[str, dict[str, int]] = defaultdict(dict)
    for word, vector in zip(words, vectors, strict=True):
        cosines = vectors @ vector
        for place in np.flatnonzero(cosines >= NEAR).tolist():
            here, there = stem(word), stem(words[place])
            if here != there:
                near[here][there] = max(near[here].get(there, 0), round(100 * float(cosines[place])))
    ranked = {word: sorted(others.items(), key=lambda other: (-other[1], other[0])) for word, others in near.items()}
    return {word: [f"{other}:{percent}" for other, percent in others[:MOST]] for word, others in ranked.items()}


if __name__ == "__main__":
    main()
