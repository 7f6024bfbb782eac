"""Collections and indexes, made when a store opens, and their version, in the one document of `schema`.

All of it may be done by many at once: the document comes first, and an index that is there is not made again.
"""

from __future__ import annotations

from collections.abc import Sequence

from memproxy.domain import SchemaVersion
from memproxy.errors import ConfigError
from memproxy_mongo.driver import Database, Document, Order

VERSIONS = {1: "The first schema: one document for each turn, fact, job and key."}
"""What each version did. Another layout is another version, and brings with it what turns the one before into it."""

VERSION = max(VERSIONS)

_ID = "memproxy"

_INDEXES: Sequence[tuple[str, Order, Document]] = (
    ("entity", [("o", 1)], {"unique": True}),
    ("entity", [("tenant", 1), ("born", -1), ("entity", -1)], {}),
    # `open` sets it apart from the unique one that stands in databases of the first memproxys that had this store.
    ("turn", [("o", 1), ("s", 1), ("n", 1), ("open", 1)], {}),
    ("turn", [("o", 1), ("marks", 1)], {}),
    ("turn", [("o", 1), ("left", 1)], {}),
    ("turn", [("request", 1)], {"sparse": True}),
    ("turn", [("open", 1), ("o", 1)], {"partialFilterExpression": {"open": True}}),
    ("session", [("o", 1), ("created", -1), ("s", -1)], {}),
    ("session", [("o", 1), ("s", 1)], {}),
    ("fact", [("o", 1), ("number", 1)], {}),
    ("fact", [("o", 1), ("v", 1)], {}),
    ("fact", [("o", 1), ("attribute", 1)], {}),
    ("fact", [("o", 1), ("states", 1)], {}),
    ("triple", [("o", 1), ("id", 1)], {}),
    ("triple", [("o", 1), ("fact", 1)], {}),
    ("event", [("o", 1), ("id", 1)], {}),
    ("event", [("o", 1), ("fact", 1)], {}),
    ("part", [("o", 1)], {}),
    ("part", [("change", 1)], {"sparse": True}),
    ("job", [("o", 1)], {}),
    ("job", [("state", 1), ("created", 1), ("id", 1)], {}),
    ("job", [("tenant", 1), ("created", -1), ("id", -1)], {}),
    ("job", [("owner", 1), ("created", -1), ("id", -1)], {}),
    ("job", [("finished", 1)], {"partialFilterExpression": {"state": "done"}}),
    ("job", [("busy", 1)], {"unique": True, "sparse": True}),
    ("api_key", [("tenant", 1), ("created", -1)], {}),
)


async def upgrade(db: Database) -> None:
    """Raises `ConfigError` where the database is not memproxy's, or a newer one's."""
    if await _known(db) is None:
        await db.add("schema", [{"_id": _ID, "version": VERSION, "checks": 0}])
    for collection, fields, options in _INDEXES:
        await db.index(collection, fields, **options)


async def versions(db: Database) -> list[SchemaVersion]:
    """All versions, oldest first. Raises `ConfigError` as `upgrade` does."""
    current = await _known(db) or 0
    return [SchemaVersion(str(version), does, version <= current) for version, does in sorted(VERSIONS.items())]


async def _known(db: Database) -> int | None:
    """The version of the schema, where it is memproxy's and one that this program knows."""
    found = await _version(db)
    if found is None and await db.collections():
        found = await _version(db)  # it comes before any other
        if found is None:
            raise ConfigError(
                f"{db.place} is a database of another program. Name another one in the setting `store`.",
                param="store",
            )
    if found is not None and found > VERSION:
        raise ConfigError(
            f"{db.place} has schema {found}, which is newer than this memproxy knows ({VERSION}). "
            "Run the newer memproxy, or restore the backup made before it was upgraded.",
            param="store",
        )
    return found


async def _version(db: Database) -> int | None:
    stored = await db.one("schema", {"_id": _ID})
    return None if stored is None else int(stored["version"])


async def touch(db: Database) -> None:
    """A write that changes nothing: only a server that takes writes answers it."""
    await db.change("schema", {"_id": _ID}, {"$set": {"checks": 0}})
