"""The adapters that the settings name: found by entry point, opened in order.

journal ─► store ─► embedder ─► index ─► tokenizer
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass

from memproxy import plugins
from memproxy.augment.local import LocalExtractor
from memproxy.config import Settings
from memproxy.embedders import NO_DIMENSIONS, Absent, Measured
from memproxy.errors import ConfigError, ModelUnavailable, StoreUnavailable
from memproxy.journal import Journal
from memproxy.metrics import Metrics
from memproxy.ports import Embedder, Extractor, Index, Store, Tokenizer
from memproxy.tasks import Tasks
from memproxy.tokens import Estimate, O200k

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds between two tries to open a store that was away at the start."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The opened adapters of a service."""

    store: Store
    index: Index
    embedder: Embedder | None
    tokenizer: Tokenizer
    journal: Journal
    metrics: Metrics
    tasks: Tasks
    trouble: str | None = None
    """Why the store is not open yet, where it was away at the start."""


def make_data_dir(settings: Settings) -> None:
    """Raises `ConfigError` where it cannot be made or written."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        writable = os.access(settings.data_dir, os.W_OK | os.X_OK)
    except OSError as exc:
        raise ConfigError(f"data_dir: {settings.data_dir} cannot be made: {exc.strerror}", param="data_dir") from exc
    if not writable:
        raise ConfigError(
            f"data_dir: {settings.data_dir} cannot be written; change its owner or choose another with `--data-dir`",
            param="data_dir",
        )


def make_store(settings: Settings) -> Store:
    """The store that the settings name, not yet opened."""
    scheme = settings.store_url.partition(":")[0]
    store: Store = plugins.find("stores", scheme)(url=settings.store_url, data_dir=settings.data_dir)
    return store


async def open_store(store: Store, stack: AsyncExitStack, tasks: Tasks) -> str | None:
    """A store that is away is opened later, and why is given: chats go on until then, and what they leave waits in the
    journal. Raises `ConfigError` where waiting mends nothing."""
    opened = await stack.enter_async_context(AsyncExitStack())  # closes it in its turn
    try:
        await opened.enter_async_context(store)
    except StoreUnavailable as exc:
        log.warning("the store is away at the start; it is tried again", extra={"reason": str(exc)})
        tasks.start("opening of the store", _open_later(store, opened), vital=True)
        return str(exc)
    return None


async def _open_later(store: Store, opened: AsyncExitStack) -> None:
    while True:
        await asyncio.sleep(RETRY)
        try:
            await opened.enter_async_context(store)
        except StoreUnavailable:
            continue
        except ConfigError as exc:
            log.critical("the store is back, and cannot be used", extra={"reason": str(exc)})
            raise
        log.info("the store is there")
        return


def make_embedder(settings: Settings) -> Embedder | None:
    """The embedder that the settings name, not yet opened; None for `none`."""
    if settings.embedder == "none":
        return None
    kind, _, name = settings.embedder.partition(":")
    embedder: Embedder = plugins.find("embedders", kind)(model_dir=settings.model_dir, name=name or None)
    return embedder


async def open_embedder(settings: Settings, metrics: Metrics, stack: AsyncExitStack) -> Embedder | None:
    """A model that is missing is a state, not a failure: the service starts without it."""
    embedder = make_embedder(settings)
    if embedder is None:
        return None
    try:
        return await stack.enter_async_context(Measured(inner=embedder, metrics=metrics))
    except ModelUnavailable as exc:
        log.warning("no model: recall goes by words alone", extra={"remedy": str(exc)})
        return Absent(reason=exc)


async def open_tokenizer(settings: Settings) -> Tokenizer:
    """The real counts where the ranks were pulled, careful estimates elsewhere."""
    exact = O200k(cache_dir=settings.model_dir / "tiktoken")
    try:
        await asyncio.to_thread(exact.load)
    except ModelUnavailable as exc:
        log.warning("no token ranks: tokens are estimated", extra={"remedy": str(exc)})
        return Estimate()
    return exact


def make_extractor(settings: Settings) -> Extractor | None:
    match settings.extractor:
        case "none":
            return None
        case "local":
            return LocalExtractor()
    extractor: Extractor = plugins.find("extractors", settings.extractor)()
    return extractor


async def open_parts(settings: Settings, stack: AsyncExitStack, tasks: Tasks) -> Parts:
    make_data_dir(settings)
    metrics = Metrics()
    journal = await stack.enter_async_context(
        Journal(folder=settings.data_dir / "journal", limit=settings.journal_limit, on_turns=metrics.journalled)
    )
    metrics.journal.set_function(lambda: journal.bytes)
    metrics.journal_limit.set(settings.journal_limit)
    metrics.waiting.set_function(lambda: journal.turns)
    metrics.aside.set_function(lambda: journal.aside)
    store = make_store(settings)
    trouble = await open_store(store, stack, tasks)
    embedder = await open_embedder(settings, metrics, stack)
    index = await stack.enter_async_context(
        plugins.find("indexes", settings.index)(
            data_dir=settings.data_dir,
            dimensions=embedder.dimensions if embedder else NO_DIMENSIONS,
            model=embedder.name if embedder else None,
            memory_limit=settings.index_cache,
            store_url=settings.store_url,
        )
    )
    return Parts(store, index, embedder, await open_tokenizer(settings), journal, metrics, tasks, trouble)
