"""Settings as flags, for the commands that run the service or open its store themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]


def settings_options(*, only: frozenset[str] | None = None) -> Callable[[Command], Command]:
    """One flag for each setting, and `--config`. The command gets them as `given`."""

    def decorate(command: Command) -> Command:
        from memproxy.config import Settings

        for name, field in reversed(Settings.model_fields.items()):
            if only is None or name in only:
                default = "" if field.default is None else f" [{field.default}]"
                flag = "--" + name.replace("_", "-")
                command = click.option(flag, name, help=f"{field.description}{default}")(command)
        return click.option("--config", type=click.Path(path_type=Path), help="settings file (TOML)")(command)

    return decorate


DATA_SETTINGS = settings_options(only=frozenset(("data_dir",)))
STORE_SETTINGS = settings_options(only=frozenset(("data_dir", "store")))
MODEL_SETTINGS = settings_options(only=frozenset(("model_dir",)))


def load(config: Path | None, given: dict[str, Any]) -> Any:
    """The settings; their warnings go to standard error."""
    from memproxy.config import load

    settings, warnings = load(flags=given, file=config)
    for warning in warnings:
        click.echo(f"memproxy: {warning}", err=True)
    return settings
