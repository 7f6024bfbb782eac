"""Moving between the real stores: everything arrives in each of them, also where the mover is killed on the way.

`MOVE_KILLS` is how often it is killed on the way to each store (default 1), `MOVE_MESSAGES` how many there are (600),
`MOVE_STORES` the stores (`postgresql,mongodb`; `all`, or some of them).
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from memproxy.domain import MemoryWrite, Scope, Source
from memproxy.errors import BadRequest
from memproxy.move import Move
from memproxy.tally import tally
from memproxy.testing.memory_store import MemoryStore
from memproxy.testing.store_samples import ALICE, after, entry, event, fact, message, turn
from memproxy_mongo import open_store as open_mongo
from memproxy_sql import open_store as open_sql
from tests.adapters.data.content import contents, fill
from tests.conftest import STORES, new_store
from tests.servers.mariadb import MariaDB

NAMED = os.environ.get("MOVE_STORES", "postgresql,mongodb")
KILLS = int(os.environ.get("MOVE_KILLS", "1"))
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MEMPROXY_")}
ENVIRONMENT["PYTHONPATH"] = f"{ROOT}:{ROOT / 'adapters'}"


def opened(url: str) -> Any:
    return (open_mongo if url.startswith("mongodb") else open_sql)(url=url, data_dir=Path("/nowhere"))


def silent(step: str, done: int, total: int, *, count: int) -> None:
    """Tells nobody."""


async def test_everything_goes_round_all_stores_and_comes_back_the_same(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    way = [new_store(request, kind, tmp_path) for kind in STORES]
    way.append(f"sqlite:///{tmp_path}/home.db")
    origin, expected = MemoryStore(), MemoryStore()
    await fill(origin)
    await Move(source=origin, target=expected, progress=silent).run()
    async with opened(way[0]) as store:
        await fill(store)
    for here, there in pairwise(way):
        async with opened(here) as source, opened(there) as target:
            assert (await Move(source=source, target=target, progress=silent).run()).difference is None
            assert await contents(target) == await contents(expected)
            assert (await target.changes(ALICE, since=0)).version > (await source.changes(ALICE, since=0)).version


async def test_an_id_that_is_too_long_for_the_target_is_told_with_its_entity(mariadb: MariaDB) -> None:
    source = MemoryStore()
    await source.commit([turn("a"), turn("b", scope=Scope("acme", "bob"), session="s" * 200)])
    async with opened(mariadb.database()) as target:
        with pytest.raises(BadRequest, match=r"the memory of bob \(tenant acme\) cannot be moved: .* this long"):
            await Move(source=source, target=target, progress=silent).run()


MESSAGES = int(os.environ.get("MOVE_MESSAGES", "600"))


async def large(store: Any) -> None:
    """Two sessions, and a fact and an event for each message."""
    for session in ("s1", "s2"):
        texts = [f"{session} {n} tea in the house by the river" for n in range(MESSAGES // 2)]
        given = entry(session, "- tea", tokens=3, request=session)
        await store.commit([turn(*texts, session=session, at=after(1), injection=given)])
        names = {message(text).id: text for text in texts}
        facts = [fact(0, id=f"{session}-{n}", text=text, sources=(Source(name, session),))
                 for n, (name, text) in enumerate(names.items())]  # fmt: skip
        events = [replace(event(0, one.id), id=f"e-{one.id}") for one in facts]
        await store.write(ALICE, MemoryWrite(tuple(facts), (), tuple(events), tuple(names)))


@pytest.mark.parametrize("kind", STORES if NAMED == "all" else NAMED.split(","))
async def test_a_move_that_is_killed_anywhere_is_simply_run_again(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    chance, target = random.Random(KILLS), new_store(request, kind, tmp_path)
    async with opened(f"sqlite:///{tmp_path}/here.db") as source, opened(target) as watched:
        await large(source)
        for _ in range(KILLS):
            before = sum((await tally(watched, ALICE)).counts.values())
            mover = await move(tmp_path, target)
            goal = before + chance.randrange(1, max(2, (3 * MESSAGES - before) // 2))
            while (await watched.export(ALICE, cursor=None, limit=1)).total < goal:
                assert mover.returncode is None, "it ended before it was killed"
            mover.kill()
            await mover.communicate()
        last = await move(tmp_path, target)
        told, remarks = await last.communicate()
        assert last.returncode == 0, remarks.decode()
        assert f"messages {MESSAGES:,} {MESSAGES:,}\n" in re.sub(" +", " ", told.decode())
        assert await tally(watched, ALICE) == await tally(source, ALICE)
        there = (await watched.changes(ALICE, since=0)).facts
        assert [one.number for one in there] == list(range(1, MESSAGES + 1))


async def move(folder: Path, target: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "memproxy", "migrate", "--store", f"sqlite:///{folder}/here.db", "--data-dir", folder,
        "--to", target, env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
