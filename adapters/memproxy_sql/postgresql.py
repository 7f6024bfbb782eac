"""PostgreSQL, and databases that speak its protocol, through asyncpg: connections, errors, and the lock of the schema.

The URL goes to asyncpg as it is, but for the parameters that are memproxy's own; so `sslmode`, `target_session_attrs`
and several hosts mean what they mean to every client of PostgreSQL.

CockroachDB (`cockroachdb://`) keeps its one isolation level, whose serialisation failures are tried again; it has no
advisory locks, so a row is locked while the schema is set up. It is untested here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import URL, Connection, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql import base
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi, PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from memproxy.errors import BadRequest, StoreUnavailable
from memproxy_sql import schema
from memproxy_sql.models import tables
from memproxy_sql.server import CONNECT_TIMEOUT, LOCK_TIMEOUT, POOL_TIMEOUT, RECYCLE, TAKEN, UNREACHABLE, Fault
from memproxy_sql.urls import Own, described, own

_LOCK = 0x6D656D70726F7879
"""The advisory lock of the schema: "memproxy" in bytes."""

_PLANS = {
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""Every statement is written for an index. Told so, the planner reads no whole table because it has no statistics of it
yet, as in a database filled a minute ago, and plans each statement once."""

_AGAIN = Fault("is too busy: others changed the same rows time and again; the call may be repeated", again=True)
_GONE = Fault("closed the connection or is starting; the call may be repeated", lost=True)
_CHARACTER = Fault("cannot hold an id with this character in it", error=BadRequest)
_TOO_LARGE = Fault("cannot hold a number that is this large", error=BadRequest)
_REMEDIES = {
    "28P01": Fault("refused the user or the password; check the setting `store`", lost=True, hopeless=True),
    "28000": Fault("refused the user or the password; check the setting `store`", lost=True, hopeless=True),
    "3D000": Fault("does not exist; create it, or name another in the setting `store`", lost=True, hopeless=True),
    "42501": Fault("does not grant its user what memproxy needs: to create, read and change tables", hopeless=True),
    "53100": Fault("cannot grow: the disk of the server is full; free some space"),
    "53300": Fault("has no connection left; raise `max_connections` there, or lower `pool_size` in its URL"),
    "57014": Fault("did not finish a statement in time; the call may be repeated"),
    "55P03": Fault("kept a row locked for too long; the call may be repeated"),
    "25006": Fault("is read-only: it is a standby, or was set so; the setting `store` should name the primary"),
    "54000": Fault("cannot index a text that is this long", error=BadRequest),
    "22003": _TOO_LARGE,
    "22021": _CHARACTER,
    "22P05": _CHARACTER,
    "40001": _AGAIN,
    "40P01": _AGAIN,
    "23505": TAKEN,
}


class _Cockroach(PGDialect_asyncpg):
    """Names itself otherwise than PostgreSQL does, and orders text by its bytes anyway."""

    supports_statement_cache = True

    class _Types(base.PGTypeCompiler):
        def _render_string_type(self, *given: Any, **named: Any) -> str:
            return super()._render_string_type(*given, **named).partition(" COLLATE ")[0]

    type_compiler_cls = _Types

    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:
        return (13, 0)


registry.register("memproxycockroach.asyncpg", __name__, "_Cockroach")


@dataclass(frozen=True, kw_only=True, slots=True)
class Postgresql:
    name: str
    dsn: str
    cockroach: bool
    pool_size: int
    statement_timeout: float
    driver_errors: tuple[type[BaseException], ...] = (
        AsyncAdapt_asyncpg_dbapi.Error,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    )

    def __repr__(self) -> str:
        return f"Postgresql({self.name})"

    @classmethod
    def of(cls, url: URL) -> Postgresql:
        given: Own = own(url)
        dsn = given.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return cls(
            name=described(url, 26257 if url.drivername == "cockroachdb" else 5432),
            dsn=dsn,
            cockroach=url.get_backend_name() == "cockroachdb",
            pool_size=given.pool_size,
            statement_timeout=given.statement_timeout,
        )

    def engine(self, *, reading: bool, size: int) -> AsyncEngine:
        settings = {
            "application_name": "memproxy",
            "statement_timeout": str(round(self.statement_timeout * 1000)),
            "lock_timeout": str(round(LOCK_TIMEOUT * 1000)),
            "idle_in_transaction_session_timeout": "60000",  # of a replica whose machine is gone
        }
        if reading:
            settings["default_transaction_read_only"] = "on"
        if not self.cockroach:
            settings["default_transaction_isolation"] = "repeatable read" if reading else "read committed"
            settings |= _PLANS

        async def connect() -> asyncpg.Connection[Any]:
            return await asyncpg.connect(self.dsn, timeout=CONNECT_TIMEOUT, server_settings=settings)

        return create_async_engine(
            "memproxycockroach+asyncpg://" if self.cockroach else "postgresql+asyncpg://",
            async_creator=connect,
            pool_size=size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT,
            pool_recycle=RECYCLE,
            pool_use_lifo=True,
            pool_reset_on_return=None,  # `Pool` ends every transaction itself
            hide_parameters=True,
        )

    def fault(self, error: BaseException) -> Fault:
        state: str | None = getattr(error, "sqlstate", None)
        if state is None:
            # An argument that cannot be encoded; all else that the driver raises is about the connection.
            if isinstance(error.__cause__ or error, asyncpg.DataError | OverflowError):
                return _TOO_LARGE
            return UNREACHABLE
        if state in _REMEDIES:
            return _REMEDIES[state]
        if state[:2] == "08" or state[:3] == "57P":
            return _GONE
        return Fault(f"failed (SQLSTATE {state})")

    def set_up(self, conn: Connection, patience: float) -> None:
        if schema.revision(conn) == schema.HEAD:
            return
        conn.execute(text(f"SET LOCAL lock_timeout = {round(patience * 1000)}"))
        conn.execute(text("SET LOCAL statement_timeout = 0"))
        if self.cockroach:
            conn.execute(text("CREATE TABLE IF NOT EXISTS memproxy_setup (id INT PRIMARY KEY)"))
            conn.execute(text("INSERT INTO memproxy_setup VALUES (1) ON CONFLICT DO NOTHING"))
            conn.commit()
            conn.execute(text("SELECT id FROM memproxy_setup WHERE id = 1 FOR UPDATE"))
        else:
            conn.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        schema.upgrade(conn, self.name)

    def study(self, conn: Connection) -> None:
        """PostgreSQL looks once a minute. Until it has, it takes all columns of a table for alike and one index for as
        good as another, and may look up a message by its session instead of its key."""
        if not self.cockroach:
            conn.execute(text("ANALYZE " + ", ".join(map(conn.dialect.identifier_preparer.quote, tables))))

    def check(self, conn: Connection) -> None:
        cursor = conn.connection.cursor()
        cursor.execute("SHOW transaction_read_only")
        if cursor.fetchall()[0][0] == "on":
            raise StoreUnavailable(f"The database {self.name} {_REMEDIES['25006'].told}.")
