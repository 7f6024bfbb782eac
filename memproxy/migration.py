"""Schema versions and moving to another store, for the command line: opens stores, does one thing, closes them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from memproxy.config import Settings
from memproxy.domain import SchemaVersion
from memproxy.errors import ConfigError, MemproxyError
from memproxy.move import Move, Moved, Progress
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


async def move(settings: Settings, to: str, progress: Progress) -> Moved:
    """Copy everything into the store at the URL `to`, and compare."""
    there = settings.model_copy(update={"store": to})
    if there.store_url == settings.store_url:
        raise ConfigError("The store that everything would move to is the one that it is in.", param="to")
    if not any(version.applied for version in await versions(settings)):
        raise ConfigError("There is nothing to move: the setting `store` names a store that was never used.")
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(make_store(settings))
        try:
            target = await stack.enter_async_context(make_store(there))
        except MemproxyError as exc:
            raise type(exc)(f"the target: {exc}", param="to") from exc
        return await Move(source=source, target=target, progress=progress).run()
