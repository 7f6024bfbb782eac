"""`memproxy model`: where there is no network, it says how to bring the model."""

from __future__ import annotations

from pathlib import Path

from .running import fails


def test_a_model_that_cannot_be_fetched_says_how_to_bring_it(tmp_path: Path):
    empty = tmp_path / "wheels"
    empty.mkdir()
    said = fails(1, "model", "pull", "--model-dir", tmp_path / "m", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(empty))
    assert "PIP_FIND_LINKS" in said
