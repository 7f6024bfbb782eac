"""`migrate`: the versions of a store's schema, and moving everything to another store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memproxy.cli.screen import say, show_json, show_table
from memproxy.cli.service import as_json
from memproxy.cli.settings import STORE_SETTINGS, load
from memproxy.errors import Unavailable

if TYPE_CHECKING:
    from memproxy.config import Settings
    from memproxy.domain import SchemaVersion


@click.command()
@click.option("--check", is_flag=True, help="only say what is missing: 0 nothing, 1 something, 2 cannot be told")
@click.option("--show", is_flag=True, help="only list the versions, and what each did")
@as_json
@STORE_SETTINGS
def migrate(config: Path | None, check: bool, show: bool, as_json: bool, **given: Any) -> None:
    """Bring the store's schema up to date.

    Opens the store itself. `memproxy serve` does the same when it starts; here it can be done before, and looked at.
    `--check` and `--show` make and change nothing.

    \b
    memproxy migrate --check
    memproxy migrate
    """
    if check and show:
        raise click.UsageError("--check and --show are two different questions")
    settings = load(config, given)
    if show:
        _show(_versions(settings), as_json)
    elif check:
        sys.exit(_check(settings, as_json))
    else:
        _upgrade(settings, as_json)


def _versions(settings: Settings) -> Sequence[SchemaVersion]:
    from memproxy import migration

    return asyncio.run(migration.versions(settings))


def _show(versions: Sequence[SchemaVersion], as_json: bool) -> None:
    if as_json:
        show_json(_told(versions))
        return
    rows = [(version.id, "yes" if version.applied else "no", version.does) for version in versions]
    show_table(("version", "applied", "what it did"), rows)


def _check(settings: Settings, as_json: bool) -> int:
    """The exit status."""
    try:
        versions = _versions(settings)
    except Unavailable as exc:
        say(f"memproxy: {exc}")
        return 2
    missing = _missing(versions)
    if as_json:
        show_json(_told(versions))
    elif missing:
        say(f"missing: {', '.join(version.id for version in missing)}; `memproxy migrate` applies it")
    else:
        say(f"up to date: {versions[-1].id}")
    return 1 if missing else 0


def _upgrade(settings: Settings, as_json: bool) -> None:
    from memproxy import migration

    missing = _missing(_versions(settings))
    for version in missing:
        say(f"applying {version.id}: {version.does}")
    asyncio.run(migration.upgrade(settings))
    versions = _versions(settings)
    if as_json:
        show_json({**_told(versions), "applied": [version.id for version in missing]})
    else:
        say(f"up to date: {versions[-1].id}")


def _missing(versions: Sequence[SchemaVersion]) -> list[SchemaVersion]:
    return [version for version in versions if not version.applied]


def _told(versions: Sequence[SchemaVersion]) -> dict[str, object]:
    has = [version.id for version in versions if version.applied]
    return {
        "version": has[-1] if has else None,
        "missing": [version.id for version in _missing(versions)],
        "versions": [{"id": one.id, "does": one.does, "applied": one.applied} for one in versions],
    }
