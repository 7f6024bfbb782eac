"""Making, listing and revoking API keys, for the command line: opens the store, does one thing, closes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from memproxy.config import Settings
from memproxy.crypto import digest, new_credential, parse_credential
from memproxy.domain import ApiKey
from memproxy.identity import valid_id
from memproxy.parts import make_data_dir, make_store


@dataclass(frozen=True, slots=True)
class Binding:
    """What a new key is for."""

    tenant: str
    entity: str | None = None
    process: str | None = None
    recall_scope: str | None = None

    def __post_init__(self) -> None:
        for name in ("tenant", "entity", "process"):
            if (value := getattr(self, name)) is not None:
                valid_id(value, source=f"--{name}")


async def create(settings: Settings, binding: Binding) -> str:
    """The new key, in the only moment it is known."""
    credential = new_credential()
    key = ApiKey(
        credential.id,
        binding.tenant,
        digest(credential),
        created_at=datetime.now(UTC),
        entity=binding.entity,
        process=binding.process,
        recall_scope=binding.recall_scope,
    )
    make_data_dir(settings)
    async with make_store(settings) as store:
        await store.create_key(key)
    return credential.text


async def rows(settings: Settings, tenant: str | None) -> list[dict[str, Any]]:
    make_data_dir(settings)
    async with make_store(settings) as store:
        return [_row(key) for key in await store.keys(tenant)]


async def revoke(settings: Settings, key: str) -> str:
    """The id of the revoked key. Raises `NotFound`."""
    credential = parse_credential(key)
    make_data_dir(settings)
    async with make_store(settings) as store:
        return (await store.revoke_key(credential.id if credential else key, now=datetime.now(UTC))).id


def _row(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "tenant": key.tenant,
        "entity": key.entity,
        "process": key.process,
        "recall_scope": key.recall_scope,
        "created_at": key.created_at.isoformat(timespec="seconds"),
        "revoked_at": key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else None,
    }
