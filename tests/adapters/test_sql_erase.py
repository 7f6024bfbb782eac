"""What is erased is gone from the files, whatever happened to its rows before and whoever uses the database."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, Integer

from memproxy.domain import Entity, FactState, Injection, MemoryWrite, Scope, Source, Triple, Usage
from memproxy.errors import StoreUnavailable
from memproxy.testing.store_samples import ALICE, BOB, NOON, entry, event, fact, job, message, turn
from memproxy_sql import SqlStore, erase, open_store
from memproxy_sql.models import tables
from memproxy_sql.wiping import Wiper

MARK = "plantedsecret"
VECTOR = bytes.fromhex("c0ffee1234567890") * 96
"""An embedding of 384 dimensions; no text looks like it."""
NEEDLES = (MARK.encode(), VECTOR[:16])


def sqlite(folder: Path, **settings: float) -> SqlStore:
    return open_store(url="sqlite:///{data_dir}/memproxy.db", data_dir=folder, **settings)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with sqlite(tmp_path) as store:
        yield store


def traces(folder: Path) -> dict[str, int]:
    """How often the planted words and vectors are found in each file of the folder, the log and all."""
    found = {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    return {name: n for name, data in found.items() if (n := sum(data.count(needle) for needle in NEEDLES))}


class Person:
    """Fills every column of every table that is written, so that no place to hide is missed."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.word = MARK if scope == ALICE else "harmless"
        self.vector = VECTOR if scope == ALICE else bytes(768)

    async def speak(self, store: SqlStore, n: int, size: int) -> None:
        words = f"{self.word} {n} " * size
        said = message(words, id=f"{self.word}m{n}", name=words[:50], external_id=f"{self.word}x{n}", role=self.word)
        said = replace(said, extra=words.encode(), key=self.word[:12].encode() + n.to_bytes(4, "big"))
        given = Injection(
            said.key, f"- {words}\n", 3, (f"{self.word}f{n}",), f"{self.word}r{n}", words.encode(), created_at=NOON
        )
        spoken = turn(
            said, scope=self.scope, session=f"{self.word}s{n % 7}", injection=given, usage=Usage(words[:90], 1, 2),
            jobs=(replace(job(n, scope=self.scope), id=f"{self.word}j{n}", error=words, worker=self.word),),
        )  # fmt: skip
        await store.commit([replace(spoken, request_id=f"{self.word}r{n}")])
        await store.write(self.scope, self.learned(n, words))

    def learned(self, n: int, words: str) -> MemoryWrite:
        word = self.word
        learned = fact(
            n, id=f"{word}f{n}", text=words, kind=word, embedding=self.vector, model=word, attribute=word, value=words,
            speaker=word, role=word, superseded_by=word, metadata={word: words},
            sources=(Source(f"{word}m{n}", f"{word}s{n % 7}", f"{word}x{n}"),),
        )  # fmt: skip
        stated = Triple(f"{word}t{n}", words, words, words, f"{word}f{n}")
        told = event(n, f"{word}f{n}", action=word, reason=words, before=words, after=words)
        return MemoryWrite((learned,), (stated,), (replace(told, id=f"{word}e{n}"),))


async def mix(store: SqlStore, seed: int, steps: int = 150) -> None:
    """Rows of several people in the same pages, large and small, rewritten, so that pages split and rows move."""
    rng = random.Random(seed)
    people = [Person(ALICE), Person(BOB), Person(Scope("globex", "carol")), Person(Scope("acme", "dan"))]
    for n in range(steps):
        person = rng.choice(people)
        await person.speak(store, n, rng.choice([1, 3, 20, 120, 700]))
        again = rng.randrange(n + 1)
        await person.speak(store, again, rng.choice([1, 5, 60]))
        if n % 40 == 39:
            await store.erase(Scope("acme", "dan"))


def test_every_table_that_holds_rows_of_an_entity_is_emptied_of_them() -> None:
    kept = {"api_key"}
    """The tenant's own."""
    ownerless = {"tenant", "process", "provider_key", "entity"}
    assert {table.name for table in erase._owned} == set(tables) - kept - ownerless


@pytest.mark.parametrize("seed", range(3))
async def test_no_byte_of_an_erased_entity_is_left_in_any_file(store: SqlStore, tmp_path: Path, seed: int) -> None:
    await mix(store, seed)
    for table in ("category", "summary"):
        await store._writer.run(lambda conn, t=table: conn.exec_driver_sql(_unwritten(t)).close())
    assert traces(tmp_path).keys() >= {"memproxy.db", "memproxy.db-wal"}
    await store.erase(ALICE)
    assert traces(tmp_path) == {}
    assert damage(tmp_path) == [("ok",)]
    others = await store.facts(BOB, states=[], kinds=[], text="harmless", cursor=None, limit=1000)
    assert others.total > 10


def _unwritten(table: str) -> str:
    """A row in a table that nothing writes yet."""
    owner = {"tenant_id": "'acme'", "entity_id": "'alice'"}
    given = {c.name: owner.get(c.name) or (f"'{MARK}'" if _is_text(c) else "1") for c in tables[table].c}
    return f"INSERT INTO {table} ({', '.join(given)}) VALUES ({', '.join(given.values())})"


def _is_text(column: Column[object]) -> bool:
    return not isinstance(column.type, (BigInteger, Integer))


def damage(folder: Path) -> list[tuple[str]]:
    conn = sqlite3.connect(folder / "memproxy.db")
    found = conn.execute("PRAGMA integrity_check").fetchall()
    conn.close()
    return found


async def test_what_stays_is_not_touched_and_brings_nothing_back(store: SqlStore, tmp_path: Path) -> None:
    await mix(store, 4)
    before = await store.export(BOB, cursor=None, limit=5000)
    await store.erase(ALICE)
    assert await store.export(BOB, cursor=None, limit=5000) == before
    for n in range(60):  # connections write pages that they read before the erasure
        await Person(BOB).speak(store, n, 20)
        await store.facts(BOB, states=[], kinds=[], text="harm", cursor=None, limit=9)
    assert traces(tmp_path) == {}


async def test_chats_go_on_while_an_entity_is_erased(store: SqlStore, tmp_path: Path) -> None:
    await mix(store, 5)
    erasing = asyncio.create_task(store.erase(ALICE))
    said = 0
    while not erasing.done():
        await store.commit([turn(f"t{said}", scope=BOB, session="busy")])
        said += 1
    assert isinstance(await erasing, Entity)
    assert traces(tmp_path) == {}
    assert (await store.messages(BOB, "busy", cursor=None, limit=1)).total == said > 0
    assert damage(tmp_path) == [("ok",)]


async def test_many_are_erased_at_once(store: SqlStore, tmp_path: Path) -> None:
    people = [Scope("acme", f"{MARK}{n}") for n in range(12)]
    await store.commit([turn("a", scope=scope) for scope in people])
    await asyncio.gather(*(store.erase(scope) for scope in people))
    assert traces(tmp_path) == {}
    assert (await store.entities("acme", cursor=None, limit=1)).total == 0


async def test_who_erases_while_another_reads_for_long_is_told_and_may_repeat_it(tmp_path: Path) -> None:
    async with sqlite(tmp_path, busy_timeout=0.3) as store:
        await Person(ALICE).speak(store, 1, 50)
        other = sqlite3.connect(tmp_path / "memproxy.db", isolation_level=None)
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM message").fetchall()
        with pytest.raises(StoreUnavailable, match=r"deleted is deleted, but .* traces: others are using it"):
            await store.erase(ALICE)
        assert await store.entity(ALICE) is None
        assert traces(tmp_path) != {}
        other.close()
        assert await store.erase(ALICE) is None
        assert traces(tmp_path) == {}


async def test_closing_the_store_truncates_the_log_that_an_erasure_could_not(tmp_path: Path) -> None:
    async with sqlite(tmp_path, busy_timeout=0.2) as store:
        await Person(ALICE).speak(store, 1, 1)
        other = sqlite3.connect(tmp_path / "memproxy.db", isolation_level=None)
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM message").fetchall()
        with pytest.raises(StoreUnavailable):
            await store.erase(ALICE)
        other.close()
    assert not (tmp_path / "memproxy.db-wal").exists()
    assert traces(tmp_path) == {}


async def test_an_erasure_that_cannot_start_a_process_says_so(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.commit([turn("a")])
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    with pytest.raises(StoreUnavailable, match="no process could be started"):
        await store.erase(ALICE)
    assert await store.entity(ALICE) is None


async def test_no_byte_of_what_is_forgotten_is_left(store: SqlStore, tmp_path: Path) -> None:
    words = f"likes {MARK}"
    learned = fact(1, text=words, embedding=VECTOR, model="m", attribute="likes", value=words, metadata={"a": words})
    lines = entry("a", f"- {words}\n- likes milk\n")
    await store.commit([turn("what I said stays", injection=lines)])
    await store.write(ALICE, MemoryWrite((learned,), (Triple("t1", "she", "likes", MARK, "fact-1"),)))
    await store.write(ALICE, MemoryWrite(events=(event(1, before=words, after=words),)))
    gone = fact(1, state=FactState.FORGOTTEN, text="", attribute="likes", value="digest")
    await store.write(ALICE, MemoryWrite((gone,), struck=(f"- {words}",)))
    assert traces(tmp_path) == {}
    (given,) = (await store.look(ALICE, session="s1", keys=[], pairs=[])).injections
    assert given.block == "- likes milk\n"


async def test_what_could_not_be_wiped_when_it_was_forgotten_is_wiped_later(tmp_path: Path) -> None:
    async with sqlite(tmp_path, busy_timeout=0.2) as store:
        await store.write(ALICE, MemoryWrite((fact(1, text=MARK),)))
        other = sqlite3.connect(tmp_path / "memproxy.db", isolation_level=None)
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM fact").fetchall()
        assert await store.write(ALICE, MemoryWrite((fact(1, text="", state=FactState.FORGOTTEN),))) > 0
        other.close()
        assert traces(tmp_path) != {}
        await store.prune(before=NOON)
        assert traces(tmp_path) == {}


async def test_a_store_that_closes_ends_what_still_wipes(tmp_path: Path) -> None:
    async with sqlite(tmp_path, busy_timeout=600) as store:
        store._wiper = Wiper(file=tmp_path / "memproxy.db", patience=600, courtesy=0.05)
        await store.write(ALICE, MemoryWrite((fact(1, text=MARK),)))
        other = sqlite3.connect(tmp_path / "memproxy.db", isolation_level=None)
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM fact").fetchall()
        await store.write(ALICE, MemoryWrite((fact(1, text="", state=FactState.FORGOTTEN),)))
    other.close()
    assert damage(tmp_path) == [("ok",)]
