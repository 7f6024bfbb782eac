"""`keys`: API keys of tenants."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from memproxy.cli.settings import STORE_SETTINGS, load


@click.group()
def keys() -> None:
    """API keys of tenants. Opens the store itself; works beside a running service.

    \b
    memproxy keys create --tenant acme
    """


@keys.command("create")
@click.option("--tenant", required=True, help="whose key it is; a new tenant comes into being")
@click.option("--entity", help="bind the key to one entity: requests cannot name another")
@click.option("--process", help="bind the key to one process")
@click.option("--recall-scope", type=click.Choice(["process"]), help="narrow what the key may recall")
@STORE_SETTINGS
def create_key(
    config: Path | None, tenant: str, entity: str | None, process: str | None, recall_scope: str | None, **given: Any
) -> None:
    """Make a key and print it, and nothing else; it is shown this once. Opens the store itself.

    \b
    memproxy keys create --tenant acme --entity alice
    """
    from memproxy import keyring

    bound = keyring.Binding(tenant, entity, process, recall_scope)
    click.echo(asyncio.run(keyring.create(load(config, given), bound)))


@keys.command("list")
@click.option("--tenant", help="only this tenant's")
@click.option("--json", "as_json", is_flag=True, help="for scripts")
@STORE_SETTINGS
def list_keys(config: Path | None, tenant: str | None, as_json: bool, **given: Any) -> None:
    """The keys, without their secrets. Opens the store itself.

    \b
    memproxy keys list --tenant acme
    """
    from memproxy import keyring

    rows = asyncio.run(keyring.rows(load(config, given), tenant))
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    if not rows:
        click.echo("no keys; make one with `memproxy keys create --tenant NAME`", err=True)
    for row in rows:
        bound = " ".join(f"{name}={row[name]}" for name in ("entity", "process", "recall_scope") if row[name])
        state = f"revoked {row['revoked_at']}" if row["revoked_at"] else "active"
        click.echo(f"{row['id']}  {row['tenant']:<20} {row['created_at']}  {state}  {bound}".rstrip())


@keys.command("revoke")
@click.argument("key")
@STORE_SETTINGS
def revoke_key(config: Path | None, key: str, **given: Any) -> None:
    """Make a key useless: give its id, or the key itself. Opens the store itself.

    \b
    memproxy keys revoke 0h2f5k3m
    """
    from memproxy import keyring

    settings = load(config, given)
    revoked = asyncio.run(keyring.revoke(settings, key))
    click.echo(f"revoked {revoked}; running services refuse it within {settings.key_cache:g} s (key_cache)", err=True)
