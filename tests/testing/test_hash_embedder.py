"""The fake embedder keeps the promises of an embedder."""

import pytest

from memproxy.errors import ModelUnavailable
from memproxy.testing.embedder_contract import EmbedderContract
from memproxy.testing.hash_embedder import HashEmbedder


class TestHashEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> HashEmbedder:
        return HashEmbedder()


async def test_a_vector_is_the_same_in_every_process() -> None:
    vectors = await HashEmbedder(dimensions=4).embed(["hello hello"], purpose="query")
    assert vectors[0].round(3).tolist() == pytest.approx([0.0, 0.419, 0.908, 0.0], abs=0.01)


async def test_a_failing_model_raises_what_it_was_told_to() -> None:
    embedder = HashEmbedder()
    embedder.error = ModelUnavailable("no model")
    with pytest.raises(ModelUnavailable):
        await embedder.embed(["x"], purpose="query")
