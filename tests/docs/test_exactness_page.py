"""The page on exactness names the tests that prove it: all of them, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/why/exactness.md").read_text()


def proofs(pattern: str) -> set[str]:
    sources = [file.read_text() for file in (ROOT / "tests/e2e").glob(pattern)]
    return {name for source in sources for name in re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE)}


def test_every_named_test_exists():
    named = set(re.findall(r"^- `(test_\w+)`", PAGE, re.MULTILINE))
    assert named
    assert named <= proofs("test_*.py")


def test_every_test_of_exactness_is_named():
    assert proofs("test_exactness*.py") <= set(re.findall(r"`(test_\w+)`", PAGE))
