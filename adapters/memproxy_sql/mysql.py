"""MariaDB and MySQL through asyncmy: connections, errors, what their schema needs, and its lock.

asyncmy and not aiomysql: its protocol is compiled, it is what SQLAlchemy tests beside, and it has had releases lately.

Text is compared by its bytes, blanks at the end included. An index cannot be partial here: those that only save space
hold all rows, and the one that lets an entity have one running job is on a generated column, which is null for others.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import asyncmy.connection
import asyncmy.errors
from sqlalchemy import URL, Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from memproxy.errors import BadRequest, ConfigError, StoreUnavailable
from memproxy_sql import schema
from memproxy_sql.dialect import bytewise, table_options
from memproxy_sql.models import tables
from memproxy_sql.server import CONNECT_TIMEOUT, LOCK_TIMEOUT, POOL_TIMEOUT, RECYCLE, TAKEN, UNREACHABLE, Fault
from memproxy_sql.urls import described, own

_LARGEST = 1 << 30
"""Bytes of a statement that the driver sends; what the server takes is its own `max_allowed_packet`."""

_AGAIN = Fault("is too busy: others changed the same rows time and again; the call may be repeated", again=True)
_GONE = Fault("closed the connection or is starting; the call may be repeated", lost=True)
_REFUSED = Fault("refused the user or the password; check the setting `store`", lost=True, hopeless=True)
_FULL = Fault("has no connection left; raise `max_connections` there, or lower `pool_size` in its URL", lost=True)
_READ_ONLY = Fault("is read-only: it is a replica, or was set so; the setting `store` should name the primary")
_SLOW = Fault("did not finish a statement in time; the call may be repeated")
_TOO_LONG = Fault("cannot hold an id or an attribute that is this long", error=BadRequest)
_REMEDIES = {
    1045: _REFUSED,
    1698: _REFUSED,
    1044: Fault("does not grant its user anything; check the setting `store`", lost=True, hopeless=True),
    1049: Fault("does not exist; create it, or name another in the setting `store`", lost=True, hopeless=True),
    1142: Fault("does not grant its user what memproxy needs: to create, read and change tables", hopeless=True),
    1114: Fault("cannot grow: the disk of the server is full; free some space"),
    1021: Fault("cannot grow: the disk of the server is full; free some space"),
    1153: Fault("takes no text of this length; raise `max_allowed_packet` there", lost=True, error=BadRequest),
    1040: _FULL,
    1203: _FULL,
    1226: _FULL,
    1205: _AGAIN,
    1213: _AGAIN,
    1020: _AGAIN,  # MariaDB: the row has changed since the snapshot
    1969: _SLOW,
    3024: _SLOW,
    1290: _READ_ONLY,
    1792: _READ_ONLY,
    1836: _READ_ONLY,
    1264: Fault("cannot hold a number that is this large", error=BadRequest),
    1406: _TOO_LONG,
    1062: TAKEN,
    **dict.fromkeys((1053, 1077, 1079, 1152, 1159, 1160, 1161, 1158, 1927, 2006, 2013, 2014, 2055, 4031), _GONE),
    **dict.fromkeys((2002, 2003, 2005), UNREACHABLE),
}


class _Connection(asyncmy.connection.Connection):
    """Sends no statement that is too long for the server, which would close the connection and not say why."""

    longest = _LARGEST

    async def learn(self) -> None:
        async with self.cursor() as cursor:
            await cursor.execute("SELECT @@max_allowed_packet")
            (self.longest,) = await cursor.fetchone()

    async def query(self, sql: str | bytes, unbuffered: bool = False) -> Any:
        if len(sql) >= self.longest // 4:  # a character has up to four bytes
            sql = sql.encode("utf-8", "surrogateescape") if isinstance(sql, str) else sql
            if len(sql) >= self.longest:
                raise asyncmy.errors.OperationalError(1153, "too long for max_allowed_packet")
        return await super().query(sql, unbuffered)  # type: ignore[no-untyped-call]


async def _opened(**given: Any) -> _Connection:
    connection = _Connection(**given)  # type: ignore[no-untyped-call]
    await connection.connect()
    return connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Mysql:
    name: str
    url: URL
    tls: ssl.SSLContext | None
    pool_size: int
    statement_timeout: float
    driver_errors: tuple[type[BaseException], ...] = (asyncmy.errors.MySQLError,)

    def __repr__(self) -> str:
        return f"Mysql({self.name})"

    @classmethod
    def of(cls, url: URL) -> Mysql:
        given = own(url)
        unknown = set(given.url.query) - {"ssl", "ssl_ca"}
        if unknown:
            raise ConfigError(
                f"The setting `store` has unknown parameters: {', '.join(sorted(unknown))}.", param="store"
            )
        return cls(
            name=described(url, 3306),
            url=given.url,
            tls=_tls(given.url),
            pool_size=given.pool_size,
            statement_timeout=given.statement_timeout,
        )

    def engine(self, *, reading: bool, size: int) -> AsyncEngine:
        mode = "REPEATABLE READ, READ ONLY" if reading else "READ COMMITTED, READ WRITE"

        async def connect() -> Any:
            given = _opened(
                host=self.url.host or "localhost",
                port=self.url.port or 3306,
                user=self.url.username,
                password=self.url.password or "",
                database=self.url.database,
                charset="utf8mb4",
                sql_mode="'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
                init_command=f"SET SESSION TRANSACTION ISOLATION LEVEL {mode}",
                connect_timeout=CONNECT_TIMEOUT,
                max_allowed_packet=_LARGEST,
                binary_prefix=True,
                ssl=self.tls,
                program_name="memproxy",
            )
            made = await asyncio.wait_for(given, CONNECT_TIMEOUT)  # its own limit ends before the handshake
            await made.learn()
            return made

        engine = create_async_engine(
            "mysql+asyncmy://",
            async_creator=connect,
            pool_size=size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT,
            pool_recycle=RECYCLE,
            pool_use_lifo=True,
            pool_reset_on_return=None,  # `Pool` ends every transaction itself, and a rollback is a round trip here
            hide_parameters=True,
        )
        event.listen(engine.sync_engine, "connect", self._equip)
        return engine

    def _equip(self, connection: Any, record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {round(LOCK_TIMEOUT)}")
        cursor.execute(f"SET SESSION collation_connection = {bytewise(mariadb=_is_mariadb(cursor))}")
        _limit_statements(cursor, self.statement_timeout)
        cursor.close()

    def fault(self, error: BaseException) -> Fault:
        number = error.args[0] if error.args else None
        if number in _REMEDIES:
            return _REMEDIES[number]
        if not isinstance(number, int) or 2000 <= number < 3000:
            return _GONE
        return Fault(f"failed (error {number})")

    def set_up(self, conn: Connection, patience: float) -> None:
        """A statement that changes the schema commits, so what was broken off is found, and made anew or gone on
        with."""
        if schema.revision(conn) == schema.HEAD:
            return
        lock = "memproxy-" + blake2b(str(self.url.database).encode(), digest_size=8).hexdigest()
        if conn.execute(text("SELECT GET_LOCK(:name, :patience)"), {"name": lock, "patience": patience}).scalar() != 1:
            raise StoreUnavailable(f"Another process is still setting up the database {self.name}.")
        try:
            conn.rollback()  # what others did meanwhile is seen
            _limit_statements(conn.connection.cursor(), 0)
            self._upgrade(conn)
        finally:
            _limit_statements(conn.connection.cursor(), self.statement_timeout)
            conn.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": lock})

    def _upgrade(self, conn: Connection) -> None:
        for table in tables.values():
            table.kwargs.update(table_options(conn))
        schema.upgrade(conn, self.name)

    def study(self, conn: Connection) -> None:
        """InnoDB looks by itself when a tenth of a table has changed."""

    def check(self, conn: Connection) -> None:
        cursor = conn.connection.cursor()
        cursor.execute("SELECT @@GLOBAL.read_only")
        if cursor.fetchall()[0][0]:
            raise StoreUnavailable(f"The database {self.name} {_READ_ONLY.told}.")


def _is_mariadb(cursor: Any) -> bool:
    cursor.execute("SELECT VERSION()")
    return "mariadb" in cursor.fetchall()[0][0].lower()


def _limit_statements(cursor: Any, seconds: float) -> None:
    """0: they take as long as they take."""
    if _is_mariadb(cursor):
        cursor.execute(f"SET SESSION max_statement_time = {seconds}")
    else:  # MySQL limits what reads alone
        cursor.execute(f"SET SESSION max_execution_time = {round(seconds * 1000)}")


def _tls(url: URL) -> ssl.SSLContext | None:
    """`ssl=require` encrypts, `ssl=verify` also checks who answers, against `ssl_ca` where that is given."""
    mode, authority = url.query.get("ssl"), url.query.get("ssl_ca")
    if mode is None and authority is None:
        return None
    if mode not in (None, "require", "verify"):
        raise ConfigError("`ssl` in the setting `store` is neither `require` nor `verify`.", param="store")
    try:
        context = ssl.create_default_context(cafile=None if authority is None else str(authority))
    except OSError as error:
        raise ConfigError("The file of `ssl_ca` in the setting `store` cannot be read.", param="store") from error
    if mode == "require" and authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
