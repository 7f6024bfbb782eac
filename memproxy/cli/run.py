"""`serve`, `doctor` and `demo`: running memproxy, and seeing that it runs."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memproxy.cli.screen import failed
from memproxy.cli.settings import MODEL_SETTINGS, load, settings_options
from memproxy.errors import MemproxyError

if TYPE_CHECKING:
    from memproxy.config import Settings
    from memproxy.workers import Place


@click.command()
@settings_options()
def serve(config: Path | None, **given: Any) -> None:
    """Run the proxy.

    \b
    memproxy serve --upstream http://127.0.0.1:11434/v1 --entity me

    Every setting is a flag, an environment variable (MEMPROXY_TOKEN_BUDGET) and a line in the settings file
    (token_budget = 512); a flag wins over the environment, the environment over the file.
    """
    settings = load(config, given)
    from memproxy import logs

    logs.configure(level=settings.log_level, style=settings.log_format)
    if settings.workers > 1:
        from memproxy.workers import supervise

        sys.exit(supervise(settings, lambda place: _work(settings, place)))
    from memproxy.serving import serve as run

    sys.exit(asyncio.run(run(settings)))


def _work(settings: Settings, place: Place) -> int:
    """One of several workers, in a process of its own. What it needs is not loaded before."""
    from memproxy import logs

    logs.configure(level=settings.log_level, style=settings.log_format, worker=place.peers.index)
    from memproxy.serving import serve as run

    try:
        return asyncio.run(run(settings, place))
    except MemproxyError as exc:
        return failed(exc)


@click.command()
@settings_options()
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def doctor(config: Path | None, as_json: bool, **given: Any) -> None:
    """Check all that the service needs, and say what to do.

    It looks at settings, port, data directory, store, model and upstream; give it the settings that `serve` gets. Exits
    with 1 where something is bad.

    \b
    memproxy doctor --upstream http://127.0.0.1:11434/v1 --entity me
    """
    from memproxy import doctor as checks

    settings = load(config, given)
    findings = asyncio.run(checks.examine(settings))
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=1))
    else:
        for finding in findings:
            click.echo(finding.as_line())
    sys.exit(1 if any(finding.state == "bad" for finding in findings) else 0)


@click.command()
@click.option("--keep", is_flag=True, help="leave the proxy running afterwards, for your own curl")
@MODEL_SETTINGS
def demo(config: Path | None, keep: bool, **given: Any) -> None:
    """Show memory at work, without any provider key.

    Plays a short story with the real proxy before a scripted stand-in for a model, kills the proxy in the middle, and
    checks that nothing was forgotten. Exits with 1 where the stand-in did not receive what it should have.

    \b
    memproxy demo
    memproxy demo --keep
    """
    from memproxy.demo import play

    sys.exit(asyncio.run(play(load(config, given), keep=keep)))
