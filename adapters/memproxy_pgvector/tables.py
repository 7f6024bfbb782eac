"""The tables of the index: made when it opens, by one replica while others wait; derived, so never migrated.

    entity 1─1 vector_feed 1─n vector_row

Both foreign keys cascade: whoever deletes the entity's row deletes its vectors in the same transaction. A large
entity has a graph, an HNSW index of its rows alone; see `graphs.py`. Vectors stand as the float16 that facts store.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import asyncpg

from memproxy.errors import ConfigError

Conn: TypeAlias = "asyncpg.Connection[Any]"

LAYOUT = 1
"""Counted up where the tables change: older ones are thrown away and fed again from the store."""
_OLDEST = (0, 8)
"""The pgvector that first searched on where a filter left too little."""
_LOCK = 0x6D656D7076656374
"""The advisory lock while tables are made: "mempvect" in bytes."""
_PATIENCE = 60
"""Seconds to wait for another replica that makes them."""

_TABLES = f"""
DROP TABLE IF EXISTS vector_row, vector_feed;
CREATE TABLE vector_feed (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    born bigint NOT NULL,
    model text NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    vectors bigint NOT NULL DEFAULT 0,
    UNIQUE (tenant_id, entity_id),
    FOREIGN KEY (tenant_id, entity_id) REFERENCES entity (tenant_id, id) ON DELETE CASCADE
);
CREATE TABLE vector_row (
    feed bigint NOT NULL REFERENCES vector_feed ON DELETE CASCADE,
    number bigint NOT NULL,
    embedding halfvec NOT NULL,
    PRIMARY KEY (feed, number)
);
COMMENT ON TABLE vector_feed IS '{LAYOUT}';
"""
"""`vector_feed`: `id` is another one after the entity's vectors were thrown away, so that who remembers the old one
finds nothing; `version` is that of the entity up to which it was fed; `vectors` is how many rows it has."""

_FOUND = """
SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS extension,
       (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available,
       to_regtype('halfvec') IS NOT NULL AS known,
       obj_description(to_regclass('vector_feed'), 'pg_class') AS layout
"""


async def set_up(conn: Conn, name: str) -> None:
    """Raises `ConfigError` where the database `name` has no pgvector, or tables of a newer memproxy."""
    if ready(await conn.fetchrow(_FOUND), name):
        return
    async with conn.transaction():
        await conn.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}s'; SET LOCAL statement_timeout = 0")
        await conn.execute(f"SELECT pg_advisory_xact_lock({_LOCK})", timeout=_PATIENCE + 5)
        if (await conn.fetchrow(_FOUND))["extension"] is None:
            await _extend(conn, name)
        if not ready(await conn.fetchrow(_FOUND), name):
            await conn.execute(_TABLES)


async def _extend(conn: Conn, name: str) -> None:
    try:
        await conn.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except asyncpg.InsufficientPrivilegeError as error:
        raise _refusal(name, "lets its user create no extension: run `CREATE EXTENSION vector` there once") from error


def ready(found: Any, name: str) -> bool:
    """Whether there is nothing to do."""
    extension = found["extension"]
    if extension is None and found["available"] is None:
        raise _refusal(name, "has no pgvector: install it on the server (such as the package `postgresql-18-pgvector`)")
    if extension is not None and tuple(map(int, extension.split(".")[:2])) < _OLDEST:
        raise _refusal(name, f"has pgvector {extension}: run `ALTER EXTENSION vector UPDATE` there, to 0.8 or newer")
    if extension is not None and not found["known"]:
        raise _refusal(name, "has pgvector in a schema that is not in its user's `search_path`: put it there")
    if found["layout"] is not None and int(found["layout"]) > LAYOUT:
        raise _refusal(name, "has vectors of a newer memproxy: run that one")
    return extension is not None and found["layout"] == str(LAYOUT)


def _refusal(name: str, told: str) -> ConfigError:
    return ConfigError(f"The database {name} {told}; or set `index` to hnsw.", param="index")
