"""The compiled model embeds as the original does; a folder that is not right is refused with the remedy."""

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from platformdirs import user_cache_dir

from memproxy.errors import ConfigError, ModelUnavailable
from memproxy.ports import Caching, Vector
from memproxy.testing.embedder_contract import EmbedderContract
from memproxy_minilm import MiniLM, check, open_embedder, pull
from memproxy_minilm.embedder import TwoLanes
from memproxy_minilm.folder import folder_of

MODEL_DIR = Path(os.environ.get("MEMPROXY_MODEL_DIR") or user_cache_dir("memproxy"))
PROBLEMS = check(MODEL_DIR)
needs_model = pytest.mark.skipif(bool(PROBLEMS), reason="; ".join(PROBLEMS) or "the model is there")


@pytest.fixture
async def minilm() -> AsyncIterator[MiniLM]:
    async with open_embedder(model_dir=MODEL_DIR) as embedder:
        yield embedder


@needs_model
class TestMiniLM(EmbedderContract):
    @pytest.fixture
    def embedder(self, minilm: MiniLM) -> MiniLM:
        return minilm


@needs_model
def test_its_name_and_dimensions_are_known_before_it_is_opened() -> None:
    embedder = open_embedder(model_dir=MODEL_DIR)
    assert (embedder.name, embedder.dimensions) == ("minilm-int8", 384)
    assert isinstance(embedder, Caching)


@needs_model
async def test_it_understands_what_words_alone_do_not_show(minilm: MiniLM) -> None:
    question, answer, other = await minilm.embed(
        ["Which pet does she have?", "Anna adopted a kitten last week.", "The invoice is due on Friday."],
        purpose="passage",
    )
    assert question @ answer > question @ other + 0.1


@needs_model
async def test_known_texts_have_the_similarities_of_the_original_model(minilm: MiniLM) -> None:
    one, two, three = await minilm.embed(
        ["That is a happy person", "That is a happy dog", "Today is a sunny day"], purpose="passage"
    )
    assert [float(one @ two), float(one @ three)] == pytest.approx([0.695, 0.257], abs=0.06)


@needs_model
async def test_a_question_asked_again_is_not_embedded_again(minilm: MiniLM) -> None:
    first = await minilm.embed(["What is my name?"], purpose="query")
    again = await minilm.embed(["another one", "What is my name?"], purpose="query")
    assert np.array_equal(first[0], again[1])


@needs_model
async def test_the_cache_forgets_the_oldest() -> None:
    async with MiniLM(folder=folder_of(MODEL_DIR, None), cache_size=2) as embedder:
        await embedder.embed(["a", "b", "c"], purpose="query")
        assert list(embedder._cache) == ["b", "c"]


class Ones:
    """An encoder that waits to be told before it answers."""

    dimensions = 2

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()

    def encode_queries(self, texts: Sequence[str]) -> Vector:
        self.go.wait(10)
        return np.ones((len(texts), 2), np.float32)

    encode_passages = encode_queries


async def test_what_was_asked_is_let_go_of_at_once_and_what_is_being_asked_is_not_kept() -> None:
    encoder = Ones()
    async with TwoLanes(name="ones", load=lambda: encoder) as embedder:
        await embedder.embed(["old"], purpose="query")
        encoder.go.clear()
        asking = asyncio.ensure_future(embedder.embed(["asked meanwhile"], purpose="query"))
        await asyncio.sleep(0.01)
        embedder.let_go()
        encoder.go.set()
        assert (await asking).shape == (1, 2)
        assert not embedder._cache
        await embedder.embed(["new"], purpose="query")
        assert list(embedder._cache) == ["new"]


@needs_model
async def test_half_a_surrogate_pair_is_embedded(minilm: MiniLM) -> None:
    assert (await minilm.embed(["\ud83d"], purpose="query")).shape == (1, 384)


@needs_model
async def test_a_question_overtakes_the_passages_that_wait(minilm: MiniLM) -> None:
    passages = asyncio.ensure_future(minilm.embed([f"passage {i} " * 30 for i in range(40)], purpose="passage"))
    await minilm.embed(["quick question"], purpose="query")
    assert not passages.done()
    assert (await passages).shape == (40, 384)


@needs_model
async def test_no_thread_is_left_behind() -> None:
    async with open_embedder(model_dir=MODEL_DIR) as embedder:
        await embedder.embed(["a"], purpose="query")
        await embedder.embed(["a"], purpose="passage")
        assert {thread.name for thread in threading.enumerate()} >= {"embed-query_0", "embed-passage_0"}
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("embed-")]
    with pytest.raises(ModelUnavailable, match="not open"):
        await embedder.embed(["a"], purpose="query")


async def test_a_missing_model_is_named_with_the_remedy(tmp_path: Path) -> None:
    embedder = open_embedder(model_dir=tmp_path)
    with pytest.raises(ModelUnavailable, match="memproxy model pull"):
        await embedder.__aenter__()


@needs_model
@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json"])
async def test_a_damaged_file_is_refused_with_the_remedy(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(folder_of(MODEL_DIR, None), tmp_path / "minilm-int8")
    (folder / name).write_bytes((folder / name).read_bytes()[:-9])
    with pytest.raises(ModelUnavailable, match="memproxy model pull"):
        await open_embedder(model_dir=tmp_path).__aenter__()
    assert "minilm-int8" in check(tmp_path)[0]


@pytest.mark.parametrize("name", ["../../etc", "..", "a\\b"])
def test_a_name_that_leaves_the_model_directory_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        open_embedder(model_dir=tmp_path, name=name)


@needs_model
def test_pulling_what_is_there_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    steps: list[str] = []
    pull(MODEL_DIR, lambda what, done, total: steps.append(what))
    assert steps == []
