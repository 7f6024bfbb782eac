"""Database servers that misbehave on command, each behind a link that does too."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncmy
import asyncpg
from sqlalchemy import make_url

from tests.faults.stage import through
from tests.servers.mariadb import MariaDB
from tests.servers.mongo_wire import MongoWire
from tests.servers.postgres import Postgres
from tests.servers.process import ServerProcess, own
from tests.servers.toxiproxy import Link

CONNECTIONS = 24
"""That a server lets in: twice what memproxy takes."""


class Unmounted(RuntimeError):
    """This machine lets nobody mount a small disk."""


class FewConnections(Postgres):
    def prepare(self) -> None:
        super().prepare()
        with (self.folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(f"max_connections = {CONNECTIONS}\nsuperuser_reserved_connections = 0\n")


class Place:
    """A database of a server. `store` is its URL through the link, with short time limits where there are any."""

    kind: str
    limits = ""

    def __init__(self, server: Any, link: Link) -> None:
        self.server: ServerProcess = server
        self.link = link
        self.url: str = server.database()
        self.name = make_url(self.url).database or ""
        self.store = through(self.url, link.port) + self.limits

    @abstractmethod
    def read_only(self, on: bool) -> None: ...

    @abstractmethod
    async def connect(self) -> Any:
        """A connection of somebody else; raises where there is none left."""

    @abstractmethod
    async def drop_clients(self, keep: Sequence[Any]) -> None:
        """End the connections of memproxy."""

    @abstractmethod
    def small_disk(self) -> contextlib.AbstractContextManager[Path]:
        """Move the database, still empty, to a small disk, which is gone at the end."""

    @contextlib.asynccontextmanager
    async def exhausted(self) -> AsyncIterator[None]:
        """Other clients have all connections, and memproxy's were closed."""
        others: list[Any] = []
        try:
            await self._fill(others)
            await self.drop_clients(others)
            await self._fill(others)
            yield
        finally:
            for other in others:
                with contextlib.suppress(Exception):
                    await _closed(other)

    async def _fill(self, others: list[Any]) -> None:
        while True:
            try:
                others.append(await self.connect())
            except (asyncpg.PostgresError, asyncmy.errors.MySQLError):
                return


async def _closed(connection: Any) -> None:
    if isinstance(connection, asyncpg.Connection):
        await connection.close(timeout=5)
    else:
        await connection.ensure_closed()


class PostgresPlace(Place):
    kind = "postgresql"
    limits = "?statement_timeout=3"
    server: Postgres

    def read_only(self, on: bool) -> None:
        value = f"ALTER DATABASE {self.name} SET default_transaction_read_only = on"
        self.server.sql(value if on else f"ALTER DATABASE {self.name} RESET default_transaction_read_only")
        self.server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'")

    async def connect(self) -> asyncpg.Connection[Any]:
        return await asyncpg.connect(self.url, timeout=5)

    async def drop_clients(self, keep: Sequence[Any]) -> None:
        await keep[0].execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'memproxy'"
        )

    @contextlib.contextmanager
    def small_disk(self) -> contextlib._GeneratorContextManager[Path]:  # type: ignore[override]
        folder = self.server.folder / "small"
        with mounted(folder, 24):
            self.server.sql(f"CREATE TABLESPACE small LOCATION '{folder}'")
            self.server.sql(f"ALTER DATABASE {self.name} SET TABLESPACE small")
            try:
                yield folder
            finally:
                self.server.sql(f"DROP DATABASE {self.name} WITH (FORCE)")
                self.server.sql("DROP TABLESPACE small")


class MariaPlace(Place):
    kind = "mariadb"
    limits = "?statement_timeout=3"
    server: MariaDB

    def read_only(self, on: bool) -> None:
        self.server.sql(f"SET GLOBAL read_only = {int(on)}")

    async def connect(self) -> Any:
        url = make_url(self.url)
        self.server.sql(f"SET GLOBAL max_connections = {CONNECTIONS}")
        return await asyncmy.connect(host=url.host, port=url.port, user=url.username, password=url.password)

    async def drop_clients(self, keep: Sequence[Any]) -> None:
        listed = self.server.sql(f"SELECT id FROM information_schema.processlist WHERE db = '{self.name}'")
        for number in listed.split():
            with contextlib.suppress(RuntimeError):  # it has left by itself
                self.server.sql(f"KILL {number}")

    @contextlib.contextmanager
    def small_disk(self) -> contextlib._GeneratorContextManager[Path]:  # type: ignore[override]
        folder = self.server.folder / "data" / self.name
        options = (folder / "db.opt").read_bytes()
        with mounted(folder, 24):
            (folder / "db.opt").write_bytes(options)
            own(folder)
            try:
                yield folder
            finally:
                tables = self.server.sql("SHOW TABLES", database=self.name).split()
                self.server.sql(f"DROP TABLE `{'`, `'.join(tables)}`", database=self.name)


class MongoPlace(Place):
    kind = "mongodb"
    limits = "?serverSelectionTimeoutMS=500&connectTimeoutMS=500&socketTimeoutMS=3000"
    server: MongoWire

    def __init__(self, server: Any, link: Link) -> None:
        super().__init__(server, link)
        self.store = self.url.replace(f":{server.port}", f":{link.port}") + self.limits


@contextlib.contextmanager
def mounted(folder: Path, megabytes: int) -> Any:
    """A disk of its own, which belongs to the server."""
    folder.mkdir(exist_ok=True)
    options = f"size={megabytes}m"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unmounted(done.stderr.strip())
    own(folder)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def filled(folder: Path) -> Path:
    """A file that takes all that is left of the disk."""
    filler = folder / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass

    await asyncio.to_thread(fill)
    return filler
