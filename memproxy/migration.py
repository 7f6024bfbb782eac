"""Schema versions and moving to another store, for the command line: opens stores, does one thing, closes them."""

from __future__ import annotations

from collections.abc import Sequence

from memproxy.config import Settings
from memproxy.domain import SchemaVersion
from memproxy.errors import ConfigError
from memproxy.parts import make_data_dir, make_store
from memproxy.ports import Migrating


async def versions(settings: Settings) -> Sequence[SchemaVersion]:
    """All that this program knows, oldest first; makes and changes nothing."""
    store = make_store(settings)
    if not isinstance(store, Migrating):
        raise ConfigError("The store that the settings name tells no versions of its schema.", param="store")
    return await store.versions()


async def upgrade(settings: Settings) -> None:
    """Apply what is missing."""
    make_data_dir(settings)
    async with make_store(settings):
        pass
