"""New ids: UUIDv7 as text, which sort by the time they were made."""

from uuid6 import uuid7


def new_id() -> str:
    return str(uuid7())
