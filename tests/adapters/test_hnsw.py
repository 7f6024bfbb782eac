"""The hnswlib index keeps the promises of an index, small and large, over restarts and in little memory."""

import asyncio
import fcntl
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType

import numpy as np
import pytest

from memproxy.domain import Changes, FactState, Scope
from memproxy.errors import ConfigError
from memproxy.testing.index_contract import ALICE, IndexContract, fact, facts, unit
from memproxy_hnsw import HnswIndex, open_index
from memproxy_hnsw.change import read
from memproxy_hnsw.graph import Graph
from memproxy_hnsw.snapshots import Snapshots, Whose

BOB = Scope("acme", "bob")


class Settled(HnswIndex):
    """An index whose changes return only when what goes on aside has ended."""

    async def apply(self, scope: Scope, changes: Changes, *, since: int) -> None:
        await super().apply(scope, changes, since=since)
        await self.settle()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.settle()
        await super().__aexit__(kind, error, trace)

    async def settle(self) -> None:
        async with asyncio.timeout(60):
            while self._workers._running:
                await asyncio.wait(self._workers._running)
                await asyncio.sleep(0)


def settled(
    folder: Path, *, graph_above: int = 20, memory_limit: int = 2**30, model: str | None = "contract"
) -> Settled:
    return Settled(folder=folder, dimensions=16, model=model, graph_above=graph_above, memory_limit=memory_limit)


class TestExact(IndexContract):
    @pytest.fixture
    async def index(self, tmp_path: Path) -> AsyncIterator[HnswIndex]:
        async with open_index(data_dir=tmp_path, dimensions=self.DIMENSIONS, model=self.MODEL) as index:
            yield index


class TestGraph(IndexContract):
    @pytest.fixture
    async def index(self, tmp_path: Path) -> AsyncIterator[HnswIndex]:
        async with settled(tmp_path, graph_above=0) as index:
            yield index

    async def test_it_is_a_graph(self, index: HnswIndex) -> None:
        await index.apply(ALICE, Changes(1, facts(1)), since=0)
        assert isinstance(index._held["acme", "alice"].vectors, Graph)


class TestEvictedAtEveryTurn(IndexContract):
    """No room for more than the entity in use: the others live in snapshots."""

    @pytest.fixture
    async def index(self, tmp_path: Path) -> AsyncIterator[HnswIndex]:
        async with settled(tmp_path, graph_above=0, memory_limit=1) as index:
            yield index


def files(folder: Path, suffix: str = "") -> list[Path]:
    return sorted(folder.glob(f"*{suffix}"))


async def test_an_entity_that_outgrows_exact_search_is_found_the_same(tmp_path: Path) -> None:
    async with settled(tmp_path, graph_above=300) as index:
        await index.apply(ALICE, Changes(1, facts(*range(300))), since=0)
        before = await index.search(ALICE, unit(7), limit=10)
        await index.apply(ALICE, Changes(2, facts(300)), since=1)
        assert isinstance(index._held["acme", "alice"].vectors, Graph)
        after = await index.search(ALICE, unit(7), limit=10)
        assert [number for number, _ in after[:5]] == [number for number, _ in before[:5]]


async def test_changes_made_while_the_graph_is_drawn_are_in_it(tmp_path: Path) -> None:
    async with settled(tmp_path, graph_above=1000) as index:
        plain = HnswIndex.apply
        await plain(index, ALICE, Changes(1, facts(*range(1001))), since=0)
        await plain(index, ALICE, Changes(2, (fact(5, unit(5), state=FactState.FORGOTTEN),)), since=1)
        await plain(index, ALICE, Changes(3, facts(2001)), since=2)
        assert (await index.search(ALICE, unit(2001), limit=1))[0][0] == 2001
        await index.settle()
        assert isinstance(index._held["acme", "alice"].vectors, Graph)
        found = [number for number, _ in await index.search(ALICE, unit(2001), limit=1001)]
        assert found[0] == 2001
        assert 5 not in found


async def test_a_graph_survives_a_restart_with_its_deletions(tmp_path: Path) -> None:
    async with settled(tmp_path) as index:
        await index.apply(ALICE, Changes(1, facts(*range(1, 50))), since=0)
        gone = tuple(fact(n, unit(n), state=FactState.FORGOTTEN) for n in (3, 4, 5, 6, 7, 8, 9))
        await index.apply(ALICE, Changes(2, gone), since=1)
    async with settled(tmp_path) as index:
        assert await index.version(ALICE) == 2
        found = {number for number, _ in await index.search(ALICE, unit(3), limit=50)}
        assert found == set(range(1, 50)) - set(range(3, 10))
        await index.apply(ALICE, Changes(3, facts(3)), since=2)
        assert (await index.search(ALICE, unit(3), limit=1))[0][0] == 3


async def test_a_small_entity_leaves_nothing_on_disk(tmp_path: Path) -> None:
    async with settled(tmp_path) as index:
        await index.apply(ALICE, Changes(1, facts(1, 2)), since=0)
    assert files(tmp_path) == []


async def grown(folder: Path) -> None:
    async with settled(folder) as index:
        await index.apply(ALICE, Changes(9, facts(*range(1, 50))), since=0)


@pytest.mark.parametrize("suffix", [".graph", ".json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "gone"])
async def test_a_damaged_snapshot_is_discarded_and_fed_anew(
    tmp_path: Path, suffix: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    await grown(tmp_path)
    (file,) = files(tmp_path, suffix)
    content = file.read_bytes()
    flipped = content[:100] + bytes([content[100] ^ 0xFF]) + content[101:]
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes({"cut": content[:-1], "flip": flipped, "empty": b""}[damage])
    async with settled(tmp_path) as index:
        assert await index.version(ALICE) == 0
        assert files(tmp_path) == []
        await index.apply(ALICE, Changes(10, facts(1)), since=0)
        assert await index.version(ALICE) == 10


async def test_a_snapshot_of_another_model_is_discarded(tmp_path: Path) -> None:
    await grown(tmp_path)
    async with settled(tmp_path, model="another") as index:
        assert await index.version(ALICE) == 0


async def test_a_dropped_entity_leaves_nothing_on_disk(tmp_path: Path) -> None:
    async with settled(tmp_path) as index:
        await index.apply(ALICE, Changes(9, facts(*range(1, 50))), since=0)
        assert files(tmp_path, ".graph")
        await index.drop(ALICE)
        await index.settle()
        assert files(tmp_path) == []
    assert files(tmp_path) == []


async def test_a_drop_beside_a_save_leaves_nothing_on_disk(tmp_path: Path) -> None:
    async with settled(tmp_path) as index:
        await HnswIndex.apply(index, ALICE, Changes(9, facts(*range(1, 2000))), since=0)
        await index.drop(ALICE)
        await index.settle()
        assert await index.version(ALICE) == 0
    assert files(tmp_path) == []


async def test_what_a_crash_left_is_swept_away(tmp_path: Path) -> None:
    await grown(tmp_path)
    (tmp_path / "abc-7.graph").touch()
    (tmp_path / "abc-8.draft").touch()
    async with settled(tmp_path) as index:
        assert await index.version(ALICE) == 9
        assert len(files(tmp_path)) == 2


async def test_processes_that_share_a_folder_find_each_others_snapshots(tmp_path: Path) -> None:
    async with settled(tmp_path) as one, settled(tmp_path) as other:
        await one.apply(ALICE, Changes(9, facts(*range(1, 50))), since=0)
        assert await other.version(ALICE) == 9
        await other.apply(ALICE, Changes(10, facts(*range(50, 90))), since=9)
        await one.apply(ALICE, Changes(11, facts(*range(50, 95))), since=9)
    assert len(files(tmp_path)) == 2, "the last one counts, and is whole"
    async with settled(tmp_path) as later:
        assert await later.version(ALICE) in (10, 11)


async def test_a_process_that_begins_lets_be_what_another_writes(tmp_path: Path) -> None:
    (tmp_path / "abc-7-0.draft").touch()
    with (tmp_path / "abc-8-0.draft").open("wb") as written:
        fcntl.flock(written, fcntl.LOCK_EX)
        async with settled(tmp_path):
            assert [path.name for path in files(tmp_path)] == ["abc-8-0.draft"]


async def test_a_save_that_ends_after_a_drop_leaves_nothing(tmp_path: Path) -> None:
    snapshots = Snapshots(folder=tmp_path, dimensions=16, model="contract")
    snapshots.open()
    graph = Graph(16)
    graph.apply(read(facts(*range(1, 50)), dimensions=16, model="contract"))
    whose, asked = Whose(("acme", "alice"), 1), 0

    def wanted() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:  # the graph is written, and not in its place yet
            assert files(tmp_path, ".draft")
            return False
        return True

    snapshots.save(whose, graph, 9, wanted)
    assert asked == 2
    assert files(tmp_path) == []
    snapshots.save(whose, graph, 9, lambda: False)
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "/", "..", "a\x00b", "😀" * 200, ""])
async def test_names_never_become_paths(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner"
    async with settled(folder) as index:
        await index.apply(Scope(name, name), Changes(9, facts(*range(1, 50))), since=0)
    assert files(tmp_path) == [folder]
    assert len(files(folder)) == 2


async def test_memory_stays_within_its_limit_and_the_longest_unused_goes(tmp_path: Path) -> None:
    people = [Scope("acme", f"person-{i}") for i in range(30)]
    async with settled(tmp_path, memory_limit=30_000) as index:
        for person in people:
            await index.apply(person, Changes(1, facts(1, 2)), since=0)
            await index.version(people[0])
        assert index._total <= 30_000
        held = [person for person in people if await index.version(person)]
        assert people[0] in held
        assert people[-1] in held
        assert people[1] not in held


async def test_a_graph_that_is_let_go_comes_back_from_its_snapshot(tmp_path: Path) -> None:
    async with settled(tmp_path, memory_limit=1) as index:
        await index.apply(ALICE, Changes(9, facts(*range(1, 50))), since=0)
        await index.apply(BOB, Changes(9, facts(*range(1, 50))), since=0)
        assert ("acme", "alice") not in index._held
        both = await asyncio.gather(index.version(ALICE), index.search(ALICE, unit(3), limit=1))
        assert both[0] == 9
        assert both[1][0][0] == 3


async def test_a_feed_whose_caller_gave_up_is_finished_all_the_same(tmp_path: Path) -> None:
    async with settled(tmp_path, graph_above=10**6) as index:
        many = tuple(fact(n, unit(1)) for n in range(1, 5000))
        feed = asyncio.ensure_future(HnswIndex.apply(index, ALICE, Changes(4, many), since=0))
        await asyncio.sleep(0)
        await asyncio.wait(index._workers._running)  # until the facts are read and the feed has begun
        await asyncio.sleep(0)
        assert index._filling
        feed.cancel()
        await index.settle()
        assert await index.version(ALICE) == 4


async def test_searches_and_changes_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    async with settled(tmp_path, graph_above=100) as index:
        await index.apply(ALICE, Changes(1, facts(*range(200))), since=0)

        async def change() -> None:
            for version in range(2, 30):
                await HnswIndex.apply(
                    index, ALICE, Changes(version, facts(*range(version * 200, version * 200 + 100))), since=version - 1
                )

        async def search() -> None:
            for _ in range(200):
                assert (await index.search(ALICE, unit(7), limit=5))[0][0] == 7

        await asyncio.gather(change(), search(), search())
        assert await index.version(ALICE) == 29


async def test_a_graph_that_mostly_died_is_drawn_anew(tmp_path: Path) -> None:
    async with settled(tmp_path) as index:
        await index.apply(ALICE, Changes(1, facts(*range(200))), since=0)
        gone = tuple(fact(n, unit(n), state=FactState.FORGOTTEN) for n in range(150))
        await index.apply(ALICE, Changes(2, gone), since=1)
        graph = index._held["acme", "alice"].vectors
        assert isinstance(graph, Graph)
        assert graph._index.get_current_count() == 50
        assert {number for number, _ in await index.search(ALICE, unit(1), limit=99)} == set(range(150, 200))


async def test_closing_gives_up_a_graph_that_is_being_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((30_000, 16))
    many = tuple(fact(n, row / np.linalg.norm(row)) for n, row in enumerate(rows))
    async with open_index(data_dir=tmp_path, dimensions=16, graph_above=100) as index:
        await index.apply(ALICE, Changes(1, many), since=0)
    assert files(tmp_path / "vectors") == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("index")]


@pytest.mark.skipif(os.name == "nt", reason="file modes differ on Windows")
async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write to"):
        await open_index(data_dir=tmp_path / "file", dimensions=16).__aenter__()


async def test_a_disk_that_is_full_costs_the_snapshot_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "vectors"
    async with settled(folder) as index:
        folder.rmdir()
        await index.apply(ALICE, Changes(9, facts(*range(1, 50))), since=0)
        assert (await index.search(ALICE, unit(3), limit=1))[0][0] == 3
        assert "cannot write the snapshot" in caplog.text
