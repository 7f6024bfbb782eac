"""Without the extra, the adapter says what to install. With it, see tests/torch."""

import importlib.util
from pathlib import Path

import pytest

from memproxy.errors import ConfigError, ModelUnavailable
from memproxy_sentence_transformers import compile_model, open_embedder

without_torch = pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is not None, reason="sentence-transformers is installed"
)


@without_torch
async def test_a_missing_extra_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    embedder = open_embedder(model_dir=tmp_path, name="some/model")
    with pytest.raises(ConfigError, match=r"pip install 'memproxy-gateway\[sentence-transformers\]'"):
        await embedder.__aenter__()


@without_torch
def test_compiling_needs_the_extra_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pip install"):
        compile_model("some/model", tmp_path, lambda what, done, total: None)


def test_a_model_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name a model"):
        open_embedder(model_dir=tmp_path)


async def test_an_embedder_that_is_not_open_says_so(tmp_path: Path) -> None:
    embedder = open_embedder(model_dir=tmp_path, name="some/model")
    assert embedder.name == "some/model"
    with pytest.raises(ModelUnavailable, match="not open"):
        await embedder.embed(["a"], purpose="query")
