"""Writes the dump of the newest schema on each kind of database: `python -m tests.adapters.data.make`.

To be run once a version of the schema is settled, with the program that is released with it; `test_migrations.py`
says when one is lacking. A dump that is there stays: it is what users have.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memproxy.ports import Store
from memproxy_mongo import open_store as open_mongo
from memproxy_sql import open_store as open_sql
from tests.adapters.data import dumps
from tests.adapters.data.content import fill
from tests.servers.mariadb import MariaDB
from tests.servers.mongo_wire import MongoWire
from tests.servers.postgres import Postgres


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "memproxy.db"
        _filled(open_sql(url=f"sqlite:///{file}", data_dir=Path(folder)))
        yield dumps.dump_sqlite(file)


@contextmanager
def _sql(kind: type[Postgres] | type[MariaDB]) -> Iterator[str]:
    with kind() as server:
        url = server.database()
        _filled(open_sql(url=url, data_dir=Path("/nowhere")))
        yield dumps.dump_sql(server, url)


@contextmanager
def _mongo() -> Iterator[str]:
    with MongoWire() as server:
        url = server.database()
        _filled(open_mongo(url=url, data_dir=Path("/nowhere")))
        yield dumps.dump_mongo(url)


def _filled(store: Store) -> None:
    async def run() -> None:
        async with store:
            await fill(store)

    asyncio.run(run())


def main() -> None:
    makers = {
        "sqlite": _sqlite,
        "postgresql": lambda: _sql(Postgres),
        "mariadb": lambda: _sql(MariaDB),
        "mongodb": _mongo,
    }
    for kind, name in dumps.NEWEST.items():
        file = dumps.DATA / name
        if file.exists():
            print(f"{name} is there")
            continue
        with makers[kind]() as text:
            file.write_text(text + "\n")
        print(f"{name} is made")


if __name__ == "__main__":
    main()
