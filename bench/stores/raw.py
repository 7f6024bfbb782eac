"""The same rows by the driver alone: one transaction for each group, one `executemany` for each table, nothing read.

For MongoDB: one `insert_many` of the turns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from bench.stores.subjects import Subject
from memproxy.domain import Turn
from memproxy.storable import micros
from memproxy_sql import dialect
from memproxy_sql.models import tables
from memproxy_sql.rows import Row, injection_row, job_row, message_row, usage_row

INSERTED = ("message", "injection", "usage", "job")
_COUNTERS = ("messages", "injections", "last_at")
_SESSION = ("tenant_id", "entity_id", "id")

Rows = dict[str, list[Any]]
"""What one group puts into each table, or collection."""


class Raw(Protocol):
    async def open(self) -> None: ...

    async def rows(self, groups: Sequence[Sequence[Turn]]) -> list[Rows]:
        """What a store made of these groups."""
        ...

    async def write(self, rows: Rows) -> None:
        """One group, durably."""
        ...

    async def close(self) -> None: ...


def raw_of(subject: Subject, url: str, ours: str) -> Raw:
    """The driver on the database at `url`, a twin of the one at `ours`."""
    match subject.name:
        case "sqlite":
            return Sqlite(url)
        case "postgresql":
            return Postgresql(url)
        case "mariadb":
            return Mariadb(url)
        case "mongodb":
            return Mongodb(url, ours)
    raise AssertionError(subject.name)


class Sql:
    """Keeps count of each session, as the store does; each begins with one turn."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sessions: dict[str, tuple[int, int]] = {}

    async def rows(self, groups: Sequence[Sequence[Turn]]) -> list[Rows]:
        return [self._group(turns) for turns in groups]

    def _group(self, turns: Sequence[Turn]) -> Rows:
        made: dict[str, list[Row]] = {name: [] for name in (*INSERTED, "session")}
        for turn in turns:
            messages, injections = self._sessions.get(turn.session, (2, 1))
            assert turn.injection is not None
            assert turn.usage is not None
            for number, message in enumerate(turn.messages):
                place = messages + number
                made["message"].append(message_row(turn.scope, turn.session, message, position=place, augmented=False))
            entry = injection_row(turn.scope, turn.session, turn.injection, position=injections, at=turn.at)
            made["injection"].append(entry)
            made["usage"].append(usage_row(turn, turn.usage))
            made["job"] += map(job_row, turn.jobs)
            self._sessions[turn.session] = counted = (messages + len(turn.messages), injections + 1)
            session = dict(zip(_COUNTERS, (*counted, micros(turn.at)), strict=True))
            made["session"].append(session | dict(zip(_SESSION, _owner(turn), strict=True)))
        return {name: [self._values(name, row) for row in rows] for name, rows in made.items()}

    def _values(self, name: str, row: Row) -> tuple[Any, ...]:
        return tuple(row[column] for column in _columns(name))

    def statements(self, mark: str, quote: str = '"') -> dict[str, str]:
        """One for each table; `mark` stands for the parameter of a number."""
        marks = [mark.format(number) for number in range(1, 30)]
        made = {}
        for name in INSERTED:
            columns = [f"{quote}{column}{quote}" for column in _columns(name)]
            into = f"INSERT INTO {quote}{name}{quote} ({', '.join(columns)})"
            made[name] = f"{into} VALUES ({', '.join(marks[: len(columns)])})"
        given = [f"{column} = {place}" for column, place in zip(_columns("session"), marks, strict=False)]
        changed, where = given[: len(_COUNTERS)], given[len(_COUNTERS) :]
        return made | {"session": f"UPDATE session SET {', '.join(changed)} WHERE {' AND '.join(where)}"}


def _columns(name: str) -> list[str]:
    return [*_COUNTERS, *_SESSION] if name == "session" else [column.name for column in tables[name].columns]


def _owner(turn: Turn) -> tuple[str, str, str]:
    return (turn.scope.tenant, turn.scope.entity, turn.session)


class Sqlite(Sql):
    """With the pragmas of the store, and no thread."""

    async def open(self) -> None:
        self._conn = sqlite3.connect(Path(self._url.removeprefix("sqlite:///")), isolation_level=None)
        for pragma in dialect.pragmas(busy_timeout=5):
            self._conn.execute(pragma)
        self._statements = self.statements("?")

    async def write(self, rows: Rows) -> None:
        self._conn.execute("BEGIN IMMEDIATE")
        for name, statement in self._statements.items():
            self._conn.executemany(statement, rows[name])
        self._conn.commit()

    async def close(self) -> None:
        self._conn.close()


class Postgresql(Sql):
    async def open(self) -> None:
        import asyncpg

        self._conn = await asyncpg.connect(self._url)
        self._statements = self.statements("${}")

    async def write(self, rows: Rows) -> None:
        async with self._conn.transaction():
            for name, statement in self._statements.items():
                await self._conn.executemany(statement, rows[name])

    async def close(self) -> None:
        await self._conn.close()


class Mariadb(Sql):
    async def open(self) -> None:
        import asyncmy
        from sqlalchemy import make_url

        url = make_url(self._url)
        self._conn = await asyncmy.connect(
            host=url.host, port=url.port, user=url.username, password=url.password, database=url.database,
            charset="utf8mb4", binary_prefix=True,
        )  # fmt: skip
        self._statements = self.statements("%s", "`")

    async def write(self, rows: Rows) -> None:
        async with self._conn.cursor() as cursor:
            for name, statement in self._statements.items():
                await cursor.executemany(statement, rows[name])
        await self._conn.commit()

    async def close(self) -> None:
        await self._conn.ensure_closed()


class Mongodb:
    """A turn is one document there; what follows from it is made later, for many turns at once. The documents are read
    from the store's own database."""

    def __init__(self, url: str, ours: str) -> None:
        self._url, self._ours = url, ours

    async def open(self) -> None:
        from pymongo import AsyncMongoClient

        self._clients = [AsyncMongoClient[Any](url, w="majority", journal=True) for url in (self._url, self._ours)]
        self._twin, self._stored = (client.get_default_database() for client in self._clients)

    async def rows(self, groups: Sequence[Sequence[Turn]]) -> list[Rows]:
        return [await self._group(turns) for turns in groups]

    async def _group(self, turns: Sequence[Turn]) -> Rows:
        people = [turn.scope.entity for turn in turns]
        lives = [entity["o"] async for entity in self._stored["entity"].find({"entity": {"$in": people}})]
        keys = [b"k" + message.key for turn in turns for message in turn.messages]
        said = await self._stored["turn"].find({"o": {"$in": lives}, "marks": {"$in": keys}}).to_list()
        if len(said) != len(turns):
            raise RuntimeError(f"{len(said)} documents of {len(turns)} turns were found")
        return {"turn": said}

    async def write(self, rows: Rows) -> None:
        await self._twin["turn"].insert_many(rows["turn"])

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
