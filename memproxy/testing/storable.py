"""What every database can hold: values with U+FFFD in place of NUL and lone surrogates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from memproxy.storable import clean

T = TypeVar("T")


def storable(value: T) -> T:
    """The value with all texts in it replaced, however deep."""
    made: Any = value
    if type(value) is str:  # not the members of a StrEnum
        made = clean(made)
    elif isinstance(value, tuple):
        made = tuple(storable(item) for item in value)
    elif isinstance(value, Mapping):
        made = {storable(name): storable(item) for name, item in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: storable(getattr(value, field.name)) for field in fields(value)}
        made = replace(value, **changed)
    result: T = made
    return result
