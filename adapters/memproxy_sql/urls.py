"""What memproxy itself takes from the URL of a server, and what of it may be shown."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import URL

from memproxy.errors import ConfigError
from memproxy_sql.server import STATEMENT_TIMEOUT

POOL_SIZE = 12
"""Connections that one process opens at most."""


@dataclass(frozen=True, slots=True)
class Own:
    url: URL
    """What is left for the driver."""
    pool_size: int
    statement_timeout: float


def own(url: URL) -> Own:
    """Raises `ConfigError`."""
    if not url.database:
        raise ConfigError(f"The setting `store` names no database: {described(url, 0)}.", param="store")
    pool_size = _number(url, "pool_size", POOL_SIZE)
    timeout = _number(url, "statement_timeout", STATEMENT_TIMEOUT)
    return Own(url.difference_update_query(["pool_size", "statement_timeout"]), max(3, int(pool_size)), timeout)


def described(url: URL, port: int) -> str:
    """Host, port and database, without user and password."""
    place = f"{url.host or 'localhost'}:{url.port or port}"
    return f"{place}/{url.database or ''}"


def _number(url: URL, name: str, default: float) -> float:
    given = url.query.get(name)
    if given is None:
        return default
    try:
        number = float(str(given))
    except ValueError:
        number = 0
    if number <= 0:
        raise ConfigError(f"`{name}` in the setting `store` is not a number above zero.", param="store")
    return number
