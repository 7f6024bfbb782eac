"""The store on SQLModel: SQLite through aiosqlite, with Alembic migrations."""

from memproxy_sql.store import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
