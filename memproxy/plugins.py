"""From a name in the settings to an adapter's factory: an entry point, or `module:attribute`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from memproxy.errors import ConfigError

Factory = Callable[..., Any]


def find(port: str, name: str) -> Factory:
    """The factory of an adapter: `port` is `stores`, `indexes` or `embedders`. Raises `ConfigError` naming what there
    is, or the extra to install."""
    known = {entry.name: entry for entry in entry_points(group=f"memproxy.{port}")}
    if name in known:
        return _load(known[name], name)
    module, colon, attribute = name.partition(":")
    if not colon or not attribute.isidentifier():
        raise ConfigError(f"there is no {name!r} among the {port}: {', '.join(sorted(known)) or 'none'} are installed")
    try:
        factory: Factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as exc:
        raise ConfigError(f"{name!r} cannot be loaded: {exc}") from exc
    return factory


def _load(entry: EntryPoint, name: str) -> Factory:
    try:
        factory: Factory = entry.load()
    except ImportError as exc:
        extra = next(iter(entry.extras), name)
        raise ConfigError(f"{name!r} needs more: pip install 'memproxy-gateway[{extra}]' ({exc})") from exc
    return factory
