"""From the URL in the setting `store` to the store of its database. Only what that database needs is imported."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from memproxy.errors import ConfigError
from memproxy_sql.store import SqlStore

_SERVERS = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "cockroachdb": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
}
"""Schemes, and the extra that brings the driver."""


def open_store(*, url: str, data_dir: Path, busy_timeout: float = 5.0, readers: int = 2) -> SqlStore:
    """The store that `url` names, not opened yet. For SQLite: `{data_dir}` in it stands for the data directory, under
    which relative paths are too; `busy_timeout`: seconds to wait for another process that writes; `readers`:
    connections for background reads. Raises `ConfigError`, which never shows the URL: it may hold a password."""
    try:
        parsed = make_url(url.replace("{data_dir}", str(data_dir)))
    except (ArgumentError, ValueError):
        raise ConfigError(
            "The setting `store` is not a URL such as sqlite:////path/memproxy.db or postgresql://user@host/database.",
            param="store",
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        from memproxy_sql.sqlite import sqlite_store

        return sqlite_store(url=parsed, data_dir=data_dir, busy_timeout=busy_timeout, readers=readers)
    extra = _SERVERS.get(backend)
    if extra is None:
        raise ConfigError(f"This store speaks to SQLite, {', '.join(_SERVERS)}, not to {backend}.", param="store")
    try:
        if extra == "postgres":
            from memproxy_sql.postgresql import Postgresql

            return _server(Postgresql.of(parsed))
        from memproxy_sql.mysql import Mysql

        return _server(Mysql.of(parsed))
    except ImportError as error:
        raise ConfigError(
            f"A store on {backend} needs a driver: pip install 'memproxy-gateway[{extra}]' ({error.name} is missing)",
            param="store",
        ) from error


def _server(server: object) -> SqlStore:
    from memproxy_sql.server import Server, ServerStore

    assert isinstance(server, Server)
    return ServerStore(server=server)
