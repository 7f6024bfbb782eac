"""Caches of what was made of people's words, for the whole process: one decorator, and one way to empty them all.

When an entity is erased its words must be gone from here too, and nobody can tell whose words an entry holds. So no
other cache of such things is kept anywhere; a test looks for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import _lru_cache_wrapper, lru_cache
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

_caches: list[_lru_cache_wrapper[Any]] = []


def cached(*, size: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the results of the last `size` different calls."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        keeping = lru_cache(maxsize=size)(function)
        _caches.append(keeping)
        return cast(Callable[P, T], keeping)

    return decorate


def held() -> int:
    """How many results are kept."""
    return sum(cache.cache_info().currsize for cache in _caches)


def let_go() -> None:
    """Empty all of them."""
    for cache in _caches:
        cache.cache_clear()
    re.purge()  # keeps the patterns it compiled, and some are made of names
