"""`journal`: turns that wait in the data directory, and those that were put aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from memproxy.cli.settings import DATA_SETTINGS, load


@click.group()
def journal() -> None:
    """Turns that wait here for the store.

    Reads the data directory itself; works beside a running service.

    \b
    memproxy journal show
    """


@journal.command("show")
@click.option("--json", "as_json", is_flag=True, help="for scripts")
@DATA_SETTINGS
def show(config: Path | None, as_json: bool, **given: Any) -> None:
    """What waits, was refused, or is damaged.

    \b
    memproxy journal show
    """
    rows = _rows(_folder(config, given))
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    if not rows:
        click.echo("nothing waits, and nothing was put aside", err=True)
    for row in rows:
        since = row["since"] or ""
        click.echo(f"{row['state']:<8} {row['turns']:>6} turns {row['bytes']:>11} bytes  {since:<25} {row['file']}")


@journal.command("retry")
@DATA_SETTINGS
def retry(config: Path | None, **given: Any) -> None:
    """Have the store try again what it refused.

    A running service takes it within seconds, else the next one.

    \b
    memproxy journal retry
    """
    from memproxy.segment import REFUSED

    files = list(_folder(config, given).glob(REFUSED))
    for path in files:
        path.rename(path.with_name(path.name.replace("refused", "turns", 1)))
    click.echo(f"{len(files)} files wait for the store again", err=True)


def _folder(config: Path | None, given: dict[str, Any]) -> Path:
    folder: Path = load(config, given).data_dir / "journal"
    return folder


def _rows(folder: Path) -> list[dict[str, Any]]:
    from memproxy.segment import DAMAGED, REFUSED, WAITING, read

    rows = []
    for state, pattern in (("waiting", WAITING), ("refused", REFUSED), ("damaged", DAMAGED)):
        for path in sorted(folder.glob(pattern)):
            try:
                turns, damaged = read(path)
                size = path.stat().st_size
            except FileNotFoundError:
                continue  # it has just reached the store
            since = min((turn.at for turn in turns), default=None)
            rows.append(
                {
                    "state": state,
                    "turns": len(turns),
                    "damaged": damaged,
                    "bytes": size,
                    "since": since and since.isoformat(timespec="seconds"),
                    "file": str(path),
                }
            )
    return rows
