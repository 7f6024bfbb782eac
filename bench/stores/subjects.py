"""The stores that are measured: SQLite, and each server that can be had here.

The server has one core, the store and the driver that is measured beside it have the other.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench.process import OTHER_CORE, PROXY_CORE
from memproxy import plugins
from memproxy.ports import Store
from tests.servers.mariadb import MariaDB
from tests.servers.mongo_wire import MongoWire
from tests.servers.postgres import Postgres
from tests.servers.process import MissingServer

SERVERS: dict[str, Callable[[], Postgres | MariaDB | MongoWire]] = {
    "postgresql": Postgres,
    "mariadb": MariaDB,
    "mongodb": MongoWire,
}
NAMES = ("sqlite", *SERVERS)


@dataclass(frozen=True, slots=True)
class Subject:
    name: str
    folder: Path
    database: Callable[[], str]
    """Makes a new database and gives its URL."""
    data: Path
    """Where its files are."""

    processes: Callable[[], Sequence[psutil.Process]] = lambda: ()
    """Those of the server."""

    def cpu(self) -> float:
        """Seconds that this process and the server have used."""
        spent = time.process_time()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                spent += sum(process.cpu_times()[:2])
        return spent

    def bytes(self) -> int:
        """On the disk; blocks, for files are made larger than what is in them."""
        blocks = 0
        for path in self.data.rglob("*"):
            with suppress(FileNotFoundError):
                blocks += path.stat().st_blocks
        return 512 * blocks

    def store(self, url: str) -> Store:
        """Not opened yet."""
        made: Store = plugins.find("stores", url.partition(":")[0])(url=url, data_dir=self.folder)
        return made


def chosen() -> list[str]:
    """`BENCH_STORES` names them, with commas between; all without it."""
    told = os.environ.get("BENCH_STORES")
    names = told.split(",") if told else list(NAMES)
    unknown = set(names) - set(NAMES)
    if unknown:
        raise SystemExit(f"BENCH_STORES names {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return names


@contextmanager
def subjects() -> Iterator[Iterator[Subject]]:
    """One after another, each up while it is measured. What cannot be had is said and left out."""
    with TemporaryDirectory(prefix="bench-stores-") as folder, closing(_each(Path(folder))) as each:
        yield each


def _each(folder: Path) -> Generator[Subject]:
    for name in chosen():
        if name == "sqlite":
            yield Subject(name, folder, _files(folder), folder)
            continue
        try:
            server = SERVERS[name]()
        except MissingServer as missing:
            print(f"stores: {name} is not measured: {missing}", file=sys.stderr)
            continue
        with _on(PROXY_CORE):
            server.__enter__()
        try:
            yield Subject(name, folder, server.database, server.folder, server.processes)
        finally:
            server.__exit__(None, None, None)


def _files(folder: Path) -> Callable[[], str]:
    made = iter(range(1000))
    return lambda: f"sqlite:///{folder}/{next(made)}.db"


@contextmanager
def _on(core: int) -> Iterator[None]:
    """What is started here inherits the core."""
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {OTHER_CORE})
