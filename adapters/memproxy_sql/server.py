"""The store on a database server: pools of connections, and what is done when one breaks or loses a race.

A verb runs through SQLAlchemy's asyncio engine as one transaction on one connection. Tried again is what certainly
did not happen: a transaction that lost to another (deadlock, serialisation failure), or whose connection broke before
it was told to commit. Where the connection breaks during the commit nobody knows; the caller is told, and may repeat
what bears repeating.

Nothing waits without end: a statement and a lock in the server, a connection of the pool, and a try as a whole, whose
connection is closed then.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, runtime_checkable

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from memproxy.domain import SchemaVersion
from memproxy.errors import BadRequest, ConfigError, Conflict, MemproxyError, StoreUnavailable
from memproxy_sql import schema
from memproxy_sql.shared import SharedStore

P = ParamSpec("P")
T = TypeVar("T")

STATEMENT_TIMEOUT = 30.0
"""Seconds that one statement may take in the server."""
LOCK_TIMEOUT = 10.0
"""Seconds to wait for a row that another transaction has."""
CONNECT_TIMEOUT = 5.0
POOL_TIMEOUT = 5.0
"""Seconds to wait for a connection of the pool."""
RECYCLE = 1800.0
"""Seconds after which a connection is made anew, before a firewall or the server forgets it."""
_GRACE = 5.0
"""Seconds that a try may take beyond its slowest statement, before its connection is given up."""
_TRIES = 6
"""Of a transaction that loses to others."""
_PAUSE = 0.01
"""Seconds before the second try; twice that, with chance, before each that follows."""
_SETUP_PATIENCE = 60.0
"""Seconds to wait for another replica that sets up the same database."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error of the driver means."""

    told: str
    """Goes on after "The database NAME ..."."""
    lost: bool = False
    """The connection is of no use any more."""
    again: bool = False
    """The transaction lost to another and may be tried again."""
    hopeless: bool = False
    """Waiting does not mend it: a setting is wrong."""
    error: type[MemproxyError] = StoreUnavailable


UNANSWERED = Fault("did not answer in time; the call may be repeated", lost=True)
UNREACHABLE = Fault(
    "cannot be reached; check that it runs and that its address in the setting `store` is right", lost=True
)
TAKEN = Fault("", error=Conflict)


@runtime_checkable
class Server(Protocol):
    """One kind of database server."""

    name: str
    """Host, port and database: what errors may show of the URL."""
    pool_size: int
    statement_timeout: float
    driver_errors: tuple[type[BaseException], ...]

    def engine(self, *, reading: bool, size: int) -> AsyncEngine:
        """Connections whose transactions read one state of the database and cannot write, or that write."""
        ...

    def fault(self, error: BaseException) -> Fault: ...

    def set_up(self, conn: Connection, patience: float) -> None:
        """Bring the schema up to date while all others wait."""
        ...

    def study(self, conn: Connection) -> None:
        """Look at the tables anew, for the plans of statements, where the server is slow to do so itself."""
        ...

    def check(self, conn: Connection) -> None:
        """Raises `StoreUnavailable` where nothing can be written."""
        ...


class Pool:
    """Runs verbs on connections of one kind."""

    def __init__(self, *, server: Server, reading: bool, size: int) -> None:
        self._server = server
        self._reading, self._size = reading, size
        self._engine: AsyncEngine | None = None
        self._lost = 0.0
        self._running: set[asyncio.Task[Any]] = set()
        self.errors: tuple[type[BaseException], ...] = (
            SQLAlchemyError,
            OSError,
            UnicodeEncodeError,
            OverflowError,
            *server.driver_errors,
        )

    async def open(self) -> None:
        self._engine = self._server.engine(reading=self._reading, size=self._size)
        event.listen(self._engine.sync_engine, "connect", _note_birth)
        event.listen(self._engine.sync_engine, "checkout", self._vet)

    def _vet(self, connection: object, record: ConnectionPoolEntry, proxy: object) -> None:
        """Where one connection was lost, those made before it are not trusted either: the server may have gone."""
        if record.info["born"] <= self._lost:
            raise DisconnectionError

    async def close(self) -> None:
        engine, self._engine = self._engine, None
        if self._running:
            await asyncio.wait(self._running)
        if engine is not None:
            await engine.dispose()

    async def run(self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in a transaction; what it raises undoes it. A verb that has begun runs to its end, even where
        its caller was cancelled: to break it off would cost the connection."""
        return await asyncio.shield(self.start(verb, *args, **kwargs))

    def start(
        self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Task[T]:
        """The same, for whoever does not wait."""
        task = asyncio.create_task(self._persist(lambda conn: verb(conn, *args, **kwargs)))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that has left does not make the loop complain

    async def set_up(self, verb: Callable[[Connection], T]) -> T:
        """Run a verb that takes as long as it takes; raises `ConfigError` where waiting mends nothing."""
        try:
            return await self._once(verb, None, [])
        except self.errors as error:
            told = self.translated(error)
            if self.fault(error).hopeless:
                raise ConfigError(str(told), param="store") from error
            raise told from error

    async def _persist(self, work: Callable[[Connection], T]) -> T:
        limit = self._server.statement_timeout + _GRACE
        pause, renewed = _PAUSE, False
        for left in range(_TRIES - 1, -1, -1):
            committing: list[bool] = []
            try:
                return await self._once(work, limit, committing)
            except self.errors as error:
                fault = self.fault(error)
                if fault.lost and fault is not UNANSWERED and not committing and not renewed:
                    renewed = True  # all that waits in the pool may be as old; the next try is on a new connection
                elif not (fault.again and left):
                    raise self.translated(error) from error
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause *= 2
        raise AssertionError("the last try returns or raises")

    async def _once(self, work: Callable[[Connection], T], limit: float | None, committing: list[bool]) -> T:
        """`committing` is filled when the server is told to commit."""
        engine = self._engine
        if engine is None:
            raise StoreUnavailable("The store is not open.")

        def transact(conn: Connection) -> T:
            result = work(conn)
            committing.append(True)
            conn.commit()  # for SQLAlchemy, where the verb went through it …
            conn.connection.commit()  # … and for the driver, where it did not
            return result

        last = None if limit is None else limit + POOL_TIMEOUT + CONNECT_TIMEOUT
        async with asyncio.timeout(last), engine.connect() as conn:
            try:
                async with asyncio.timeout(limit):
                    return await conn.run_sync(transact)
            except BaseException as error:
                await self._undo(conn, error)
                raise

    async def _undo(self, conn: AsyncConnection, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError) or (isinstance(error, self.errors) and self.fault(error).lost):
            self._lost = time.monotonic()
            await conn.invalidate()
            return
        try:
            await conn.run_sync(_roll_back)
        except self.errors:
            await conn.invalidate()

    def fault(self, error: BaseException) -> Fault:
        if isinstance(error, DBAPIError) and error.orig is not None:
            error = error.orig
        if isinstance(error, TimeoutError):
            return UNANSWERED
        if isinstance(error, OSError):
            return UNREACHABLE
        return self._server.fault(error)

    def translated(self, error: BaseException) -> MemproxyError:
        """What to raise in place of `error`, whose own words may quote what was being stored."""
        if _unencodable(error):
            return BadRequest("An id may hold neither NUL nor a lone surrogate.")
        fault = self.fault(error)
        if fault.error is Conflict:
            return Conflict("Somebody else stored the same thing at the same time; read it again.")
        if fault.error is BadRequest:
            return BadRequest(f"The database {self._server.name} {fault.told}.")
        return StoreUnavailable(f"The database {self._server.name} {fault.told}.")


class ServerStore(SharedStore):
    """A `Store` on a database server, which several replicas may share."""

    def __init__(self, *, server: Server) -> None:
        """Half of the connections write, and a quarter each reads for requests and for the background."""
        super().__init__()
        self._server = server
        few = max(1, server.pool_size // 4)
        self._writer: Pool = Pool(server=server, reading=False, size=max(1, server.pool_size // 2))
        self._urgent: Pool = Pool(server=server, reading=True, size=few)
        self._background = Pool(server=server, reading=True, size=few)

    @property
    def _reader(self) -> Pool:
        return self._background

    async def _open(self) -> None:
        """No verb runs before the schema is known."""
        await self._alone(lambda conn: self._server.set_up(conn, _SETUP_PATIENCE), reading=False)
        for pool in (self._writer, self._urgent, self._background):
            await pool.open()

    async def versions(self) -> Sequence[SchemaVersion]:
        return await self._alone(lambda conn: schema.versions(conn, self._server.name), reading=True)

    async def _alone(self, verb: Callable[[Connection], T], *, reading: bool) -> T:
        """On a connection of its own."""
        pool = Pool(server=self._server, reading=reading, size=1)
        await pool.open()
        try:
            return await pool.set_up(verb)
        finally:
            await pool.close()

    async def _close(self) -> None:
        for pool in (self._background, self._urgent, self._writer):
            await pool.close()

    async def check(self) -> None:
        await self._writer.run(self._server.check)

    def _study(self) -> None:
        self._writer.start(self._server.study)


def _note_birth(connection: object, record: ConnectionPoolEntry) -> None:
    record.info["born"] = time.monotonic()


def _roll_back(conn: Connection) -> None:
    conn.rollback()
    conn.connection.rollback()


def _unencodable(error: BaseException | None) -> bool:
    """Drivers wrap the error of a text that is not Unicode."""
    while error is not None:
        if isinstance(error, UnicodeEncodeError):
            return True
        error = error.__cause__ or (error.orig if isinstance(error, DBAPIError) else None)
    return False
