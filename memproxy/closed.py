"""What a shared gateway keeps from its tenants, as long as they act with the operator's provider credential.

    account   what governs the account itself: members, keys, costs
    objects   what the provider stores for the account, of whichever tenant: files, batches, stored answers

A tenant that brings a provider credential of its own reaches what that credential allows.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Closed(StrEnum):
    """The setting that opens it."""

    ACCOUNT = "account_endpoints"
    OBJECTS = "stored_objects"


_ACCOUNT = re.compile(r"/v1/(?:organizations?|projects|dashboard|usage|admin)(?:/.*)?")
_OBJECTS = re.compile(
    r"/v1/(?:files|uploads|batches|vector_stores|conversations|fine_tuning|assistants|threads|evals|containers|skills"
    r"|videos|chatkit|messages/batches|agents|sessions|environments)(?:/.*)?"
    r"|/v1/responses/(?!input_tokens$|compact$).+"
    r"|/v1/chat/completions/.+"
    r"|/(?:upload/)?v1(?:beta)?/(?:files|cachedContents|tunedModels|batches|corpora|fileSearchStores)(?:/.*)?"
)


def closed(method: str, path: str) -> Closed | None:
    """Which setting guards the path; None where it is open. `path` without its query, from its version on."""
    path = "/" + "/".join(part for part in path.split("/") if part)  # `//` is no way around
    if _ACCOUNT.fullmatch(path):
        return Closed.ACCOUNT
    if _OBJECTS.fullmatch(path) or (path == "/v1/chat/completions" and method not in ("POST", "OPTIONS")):
        return Closed.OBJECTS
    return None
