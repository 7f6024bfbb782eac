"""The fake index keeps the promises of an index."""

import pytest

from memproxy.errors import Unavailable
from memproxy.testing.index_contract import ALICE, IndexContract
from memproxy.testing.memory_index import MemoryIndex


class TestMemoryIndex(IndexContract):
    @pytest.fixture
    def index(self) -> MemoryIndex:
        return MemoryIndex(model=self.MODEL)


async def test_a_broken_index_raises_what_it_was_told_to() -> None:
    index = MemoryIndex()
    index.error = Unavailable("broken")
    with pytest.raises(Unavailable, match="broken"):
        await index.version(ALICE)
