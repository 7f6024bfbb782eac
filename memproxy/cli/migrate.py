"""`migrate`: the versions of a store's schema, and moving everything to another store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
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
@click.option(
    "--to", metavar="URL", envvar="MEMPROXY_TO", help="copy everything into the empty store there; also MEMPROXY_TO"
)
@as_json
@STORE_SETTINGS
def migrate(config: Path | None, check: bool, show: bool, to: str | None, as_json: bool, **given: Any) -> None:
    """Bring the schema up to date, or move to another store.

    Opens the store itself. `memproxy serve` brings the schema up to date too when it starts; here it can be done
    before, and looked at: `--check` and `--show` make and change nothing.

    With `--to`, tenants, keys and memories are copied, then both stores are read and compared, row by row; stop
    memproxy before. The store that is left stays as it was. A move that broke off is run again.

    \b
    memproxy migrate --check
    memproxy migrate
    memproxy migrate --to postgresql://memproxy:PASSWORD@db.example/memories
    """
    if check + show + bool(to) > 1:
        raise click.UsageError("--check, --show and --to are different things")
    settings = load(config, given)
    if show:
        _show(_versions(settings), as_json)
    elif check:
        sys.exit(_check(settings, as_json))
    elif to:
        sys.exit(_move(settings, to, as_json))
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


def _move(settings: Settings, to: str, as_json: bool) -> int:
    """The exit status."""
    from memproxy import migration
    from memproxy.move import WHAT
    from memproxy.progress import Bars

    begun = monotonic()
    with Bars(unit="rows") as bars:
        moved = asyncio.run(migration.move(settings, to, bars.advance))
    seconds = monotonic() - begun
    if as_json:
        counts = {what: {"source": moved.here[what], "target": moved.there[what]} for what in WHAT}
        show_json({"counts": counts, "difference": moved.difference, "seconds": round(seconds, 3)})
    else:
        show_table(
            ("", "source", "target"), [(what, f"{moved.here[what]:,}", f"{moved.there[what]:,}") for what in WHAT]
        )
    if moved.difference is not None:
        say(f"memproxy: not the same: {moved.difference}")
        return 1
    say(f"all of it is there, row by row the same ({seconds:.1f} s); now start memproxy with that store")
    return 0


def _missing(versions: Sequence[SchemaVersion]) -> list[SchemaVersion]:
    return [version for version in versions if not version.applied]


def _told(versions: Sequence[SchemaVersion]) -> dict[str, object]:
    has = [version.id for version in versions if version.applied]
    return {
        "version": has[-1] if has else None,
        "missing": [version.id for version in _missing(versions)],
        "versions": [{"id": one.id, "does": one.does, "applied": one.applied} for one in versions],
    }
