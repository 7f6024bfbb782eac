"""What every database can hold: values with U+FFFD in place of NUL and lone surrogates, and ids without them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from memproxy.errors import BadRequest

T = TypeVar("T")

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(value: T) -> T:
    """The value with all texts in it replaced, however deep."""
    clean: Any = value
    if type(value) is str:  # not the members of a StrEnum
        clean = _UNSTORABLE.sub("�", clean)
    elif isinstance(value, tuple):
        clean = tuple(storable(item) for item in value)
    elif isinstance(value, Mapping):
        clean = {storable(name): storable(item) for name, item in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: storable(getattr(value, field.name)) for field in fields(value)}
        clean = replace(value, **changed)
    result: T = clean
    return result


def check_ids(*ids: str | None) -> None:
    """Ids are never altered, lest two of them meet: one that cannot be stored is refused."""
    if any(text is not None and _UNSTORABLE.search(text) for text in ids):
        raise BadRequest("An id may hold neither NUL nor a lone surrogate.")
