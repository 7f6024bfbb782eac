"""The wiping of files: what it touches, when it runs, and who waits for it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
from pathlib import Path

import pytest

from memproxy.domain import FactState, MemoryWrite
from memproxy.errors import StoreUnavailable
from memproxy.testing.store_samples import ALICE, NOON, fact
from memproxy_sql import open_store, wipe
from memproxy_sql.wiping import Wiper

MARK = "plantedsecret"


@pytest.mark.parametrize("vacuum", ["NONE", "INCREMENTAL"])
@pytest.mark.parametrize("page", [512, 4096, 65536])
def test_gaps_are_wiped_whatever_the_layout_and_nothing_else(tmp_path: Path, page: int, vacuum: str) -> None:
    file = tmp_path / "any.db"
    rng = random.Random(page)
    conn = sqlite3.connect(file, isolation_level=None)
    for pragma in (f"page_size = {page}", f"auto_vacuum = {vacuum}", "journal_mode = WAL", "secure_delete = ON"):
        conn.execute(f"PRAGMA {pragma}")
    conn.execute("CREATE TABLE said (who, text, vector)")
    conn.execute("CREATE INDEX by_text ON said (text, who)")
    for _ in range(40):
        conn.execute("BEGIN")
        for _ in range(100):
            who = rng.choice(["alice", "bob", "carol"])
            text = (MARK if who == "alice" else rng.choice("xyz")) * rng.choice([1, 4, 30, 200])
            conn.execute("INSERT INTO said VALUES (?, ?, zeroblob(?))", (who, text, rng.choice([0, 9, 900])))
            conn.execute("DELETE FROM said WHERE rowid = ?", (rng.randrange(4000),))
        conn.execute("COMMIT")
    conn.execute("DELETE FROM said WHERE who = 'alice'")
    rows = conn.execute("SELECT rowid, * FROM said").fetchall()
    wipe.wipe(str(file), 1)
    assert file.read_bytes().count(MARK.encode()) == 0
    assert (tmp_path / "any.db-wal").stat().st_size == 0
    assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert conn.execute("SELECT rowid, * FROM said").fetchall() == rows
    conn.close()


async def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="that failed"):
        await Wiper(file=tmp_path / "none.db", patience=0.1).wipe()
    assert not (tmp_path / "none.db").exists()


class Counting(Wiper):
    """Counts its runs, and ends none before `hold` is set."""

    def __init__(self, file: Path, *, courtesy: float = 10) -> None:
        super().__init__(file=file, patience=0, courtesy=courtesy)
        self.runs = 0
        self.began, self.hold = threading.Event(), threading.Event()

    def _run(self) -> None:
        self.runs += 1
        self.began.set()
        assert self.hold.wait(10)


async def test_who_asks_while_files_are_wiped_shares_the_next_run(tmp_path: Path) -> None:
    wiper = Counting(tmp_path / "none")
    first = asyncio.create_task(wiper.wipe())
    await asyncio.to_thread(wiper.began.wait, 10)
    later = [asyncio.create_task(wiper.wipe()) for _ in range(9)]
    await asyncio.sleep(0)
    wiper.hold.set()
    await asyncio.gather(first, *later)
    assert wiper.runs == 2


async def test_only_words_that_go_are_wiped(tmp_path: Path) -> None:
    """A tombstone that is written again, as when its statement is heard once more, costs no run."""
    wiper = Counting(tmp_path / "memproxy.db")
    async with open_store(url="sqlite:///memproxy.db", data_dir=tmp_path) as store:
        store._wiper = wiper
        wiper.hold.set()
        gone = fact(1, text="", state=FactState.FORGOTTEN)
        await store.write(ALICE, MemoryWrite((fact(1),)))
        await store.write(ALICE, MemoryWrite((fact(1, text="b"), fact(2)), struck=("- never given",)))
        assert wiper.runs == 0
        await store.write(ALICE, MemoryWrite((gone,)))
        await store.write(ALICE, MemoryWrite((gone,)))
        assert wiper.runs == 1


async def test_who_forgets_does_not_wait_for_a_large_database(tmp_path: Path) -> None:
    wiper = Counting(tmp_path / "memproxy.db", courtesy=0.01)
    async with open_store(url="sqlite:///memproxy.db", data_dir=tmp_path) as store:
        store._wiper = wiper
        await store.write(ALICE, MemoryWrite((fact(1),)))
        await store.write(ALICE, MemoryWrite((fact(1, text="", state=FactState.FORGOTTEN),)))
        assert await asyncio.to_thread(wiper.began.wait, 10)
        wiper.hold.set()
        await store.prune(before=NOON)
        assert wiper.runs == 1
