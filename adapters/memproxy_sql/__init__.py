"""The store on SQLModel: SQLite through aiosqlite, PostgreSQL through asyncpg, MariaDB and MySQL through asyncmy."""

from memproxy_sql.opening import open_store
from memproxy_sql.store import SqlStore

__all__ = ["SqlStore", "open_store"]
