"""Ids: the rule for those that callers choose, and new ones of our own (UUIDv7, which sort by their time)."""

import re

from uuid_utils import uuid7

ID = re.compile(r"[A-Za-z0-9._@:+-]{1,128}")
ID_RULE = "1-128 characters of A-Z a-z 0-9 . _ @ : + -"


def new_id() -> str:
    return str(uuid7())
