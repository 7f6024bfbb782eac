"""What memproxy serves agrees with the official weights, run by sentence-transformers itself.

Runs in an environment of its own (`.ci/torch`), since torch is large. `MEMPROXY_OFFICIAL_MODEL` is the folder of the
official all-MiniLM-L6-v2.
"""

import importlib.util
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs import user_cache_dir

from memproxy.errors import ConfigError, ModelUnavailable
from memproxy.testing.embedder_contract import ODD_TEXTS, EmbedderContract
from memproxy_minilm import check
from memproxy_minilm import open_embedder as open_compiled
from memproxy_sentence_transformers import SentenceTransformers, compile_model, open_embedder

OFFICIAL = os.environ.get("MEMPROXY_OFFICIAL_MODEL", "")
MODEL_DIR = Path(os.environ.get("MEMPROXY_MODEL_DIR") or user_cache_dir("memproxy"))
pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
    ),
    pytest.mark.skipif(
        not OFFICIAL, reason="MEMPROXY_OFFICIAL_MODEL does not name the official weights: run .ci/torch"
    ),
    pytest.mark.filterwarnings("default"),  # torch's own deprecations are not ours to mend
]

SENTENCES = [
    "Where did I go on holiday last year?",
    "We went to Lisbon in May with Anna and her two kids, and ate far too many custard tarts.",
    "I'm allergic to peanuts, so please leave them out.",
    "My sister's birthday is on the 3rd of October; remind me to call her!",
    "def quicksort(xs): return xs if len(xs) < 2 else ...",
    "我住在柏林,喜欢喝绿茶。",
    "word " * 400,
]
WORDS = ["ok", "yes", "hello", "Berlin", "cat"]


@pytest.fixture
async def embedder(tmp_path: Path) -> AsyncIterator[SentenceTransformers]:
    async with open_embedder(model_dir=tmp_path, name=OFFICIAL, device="cpu") as embedder:
        yield embedder


@pytest.fixture(scope="module")
def official() -> Any:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(OFFICIAL, device="cpu", local_files_only=True)
    return model.encode(SENTENCES + WORDS, normalize_embeddings=True)


def cosines(ours: Any, theirs: Any) -> Any:
    return np.einsum("ij,ij->i", ours, theirs)


class TestSentenceTransformers(EmbedderContract):
    @pytest.fixture
    def embedder(self, embedder: SentenceTransformers) -> SentenceTransformers:
        return embedder


async def test_the_adapter_gives_the_vectors_of_the_library(embedder: SentenceTransformers, official: Any) -> None:
    assert cosines(await embedder.embed(SENTENCES + WORDS, purpose="passage"), official).min() > 0.9999


def hold(ours: Any, official: Any) -> None:
    """Sentences agree closely. Single words, of which int8 leaves less (0.94 to 0.99 measured), agree loosely."""
    agreement = cosines(ours, official)
    print("cosines to the official weights:", agreement.round(4).tolist())
    sentences, words = agreement[: len(SENTENCES)], agreement[len(SENTENCES) :]
    assert sentences.min() > 0.97
    assert sentences.mean() > 0.985
    assert words.min() > 0.93


@pytest.mark.skipif(bool(check(MODEL_DIR)), reason="no model was pulled: run `memproxy model pull`")
async def test_the_default_model_agrees_with_the_official_weights(official: Any) -> None:
    async with open_compiled(model_dir=MODEL_DIR) as fast:
        hold(await fast.embed(SENTENCES + WORDS, purpose="passage"), official)


async def test_a_model_compiled_here_agrees_with_what_it_was_compiled_from(tmp_path: Path, official: Any) -> None:
    steps: list[str] = []
    folder = compile_model(OFFICIAL, tmp_path, lambda what, done, total: steps.append(f"{done}/{total}"))
    assert steps == ["0/2", "1/2", "2/2"]
    async with open_compiled(model_dir=tmp_path, name=Path(OFFICIAL).name) as fast:
        assert fast.name == folder.name
        hold(await fast.embed(SENTENCES + WORDS, purpose="passage"), official)
        assert (await fast.embed(ODD_TEXTS, purpose="query")).shape == (len(ODD_TEXTS), 384)


async def test_serving_a_model_that_was_not_fetched_says_so_and_fetches_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot load nobody/nothing"):
        await open_embedder(model_dir=tmp_path, name="nobody/nothing", device="cpu").__aenter__()


def test_a_model_of_another_shape_is_refused_with_the_alternative(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    model = SentenceTransformer(OFFICIAL, device="cpu", local_files_only=True)
    model[1] = Pooling(384, pooling_mode="max")
    model.save(str(tmp_path / "odd"))
    with pytest.raises(ConfigError, match=r"pooling max.*serve it as sentence-transformers:"):
        compile_model(str(tmp_path / "odd"), tmp_path, lambda what, done, total: None)
