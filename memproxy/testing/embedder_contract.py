"""What every `Embedder` promises, as tests: subclass it and give an opened `embedder` fixture."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from memproxy.ports import Embedder

ODD_TEXTS = (
    "",
    " \n\t ",
    "\x00",
    "😀" * 50,
    "a" * 5_000,
    "word " * 3_000,
    "我住在柏林",
    "<|endoftext|>",
    "[CLS] [SEP] [PAD]",
)


class EmbedderContract:
    """Inherit, and override `embedder`."""

    @pytest.fixture
    def embedder(self) -> Embedder:
        raise NotImplementedError("a subclass gives the embedder")

    def test_it_is_an_embedder_with_a_name(self, embedder: Embedder) -> None:
        assert isinstance(embedder, Embedder)
        assert embedder.name
        assert embedder.dimensions > 0

    @pytest.mark.parametrize("purpose", ["query", "passage"])
    async def test_each_text_becomes_a_unit_vector(self, embedder: Embedder, purpose: str) -> None:
        texts = ["My cat is called Momo.", "Where do I live?", "Paris"]
        vectors = await embedder.embed(texts, purpose=purpose)  # type: ignore[arg-type]
        assert vectors.shape == (3, embedder.dimensions)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-3)

    @pytest.mark.parametrize("purpose", ["query", "passage"])
    async def test_no_texts_give_no_vectors(self, embedder: Embedder, purpose: str) -> None:
        vectors = await embedder.embed([], purpose=purpose)  # type: ignore[arg-type]
        assert vectors.shape == (0, embedder.dimensions)

    @pytest.mark.parametrize("text", ODD_TEXTS)
    async def test_an_odd_text_becomes_a_unit_vector_too(self, embedder: Embedder, text: str) -> None:
        vectors = await embedder.embed([text], purpose="query")
        assert np.linalg.norm(vectors[0]) == pytest.approx(1.0, abs=1e-3)

    async def test_texts_that_share_words_are_nearer_than_texts_that_do_not(self, embedder: Embedder) -> None:
        cat, question, other = await embedder.embed(
            ["I have a black cat named Momo.", "What is the name of my cat?", "Quarterly revenue rose by 4 percent."],
            purpose="passage",
        )
        assert cat @ question > cat @ other

    async def test_a_vector_hardly_depends_on_what_else_is_in_the_batch(self, embedder: Embedder) -> None:
        texts = ["tea", "I would like to know when the train to Lyon leaves tomorrow morning.", "tea with milk"]
        together = await embedder.embed(texts, purpose="passage")
        alone = np.concatenate([await embedder.embed([text], purpose="passage") for text in texts])
        assert np.einsum("ij,ij->i", together, alone).min() > 0.97

    async def test_a_question_and_a_passage_of_the_same_words_are_alike(self, embedder: Embedder) -> None:
        question = await embedder.embed(["the red bicycle"], purpose="query")
        passage = await embedder.embed(["the red bicycle"], purpose="passage")
        assert float(question[0] @ passage[0]) > 0.97

    async def test_many_callers_at_once_each_get_their_own(self, embedder: Embedder) -> None:
        words = ("tea", "sun", "red", "cat", "map", "jam", "oak", "sea", "ice", "fox")
        texts = [f"{words[i % 10]} number {i}" for i in range(40)]
        answers = await asyncio.gather(*(embedder.embed([text], purpose="query") for text in texts))
        again = await embedder.embed(texts, purpose="passage")
        scores = np.concatenate(answers) @ again.T
        assert (scores.diagonal() >= scores.max(axis=1) - 0.02).all()

    async def test_a_caller_that_gives_up_does_not_disturb_the_others(self, embedder: Embedder) -> None:
        async with asyncio.timeout(60):
            impatient = asyncio.ensure_future(embedder.embed(["never mind"], purpose="query"))
            patient = asyncio.ensure_future(embedder.embed(["I can wait"], purpose="query"))
            await asyncio.sleep(0)
            impatient.cancel()
            assert (await patient).shape == (1, embedder.dimensions)
