"""The command line. Each command loads only what it needs, so that `--help` and errors come at once."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from memproxy import __version__
from memproxy.errors import ConfigError, MemproxyError

Command = Callable[..., Any]


class Program(click.Group):
    """The command group: an error made on purpose ends in one line, not in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MemproxyError as exc:
            click.echo(f"memproxy: {exc}", err=True)
            ctx.exit(2 if isinstance(exc, ConfigError) else 1)


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


STORE_SETTINGS = settings_options(only=frozenset(("data_dir", "store")))
MODEL_SETTINGS = settings_options(only=frozenset(("model_dir",)))


def _load(config: Path | None, given: dict[str, Any]) -> Any:
    from memproxy.config import load

    settings, warnings = load(flags=given, file=config)
    for warning in warnings:
        click.echo(f"memproxy: {warning}", err=True)
    return settings


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="memproxy")
def main() -> None:
    """Long-term memory for any LLM application, by changing one URL.

    \b
    memproxy serve --upstream https://api.openai.com/v1 --entity me
    """


@main.command()
@settings_options()
def serve(config: Path | None, **given: Any) -> None:
    """Run the proxy.

    \b
    memproxy serve --upstream http://127.0.0.1:11434/v1 --entity me

    Every setting is a flag, an environment variable (MEMPROXY_TOKEN_BUDGET) and a line in the settings file
    (token_budget = 512); a flag wins over the environment, the environment over the file.
    """
    settings = _load(config, given)
    from memproxy import logs

    logs.configure(level=settings.log_level, style=settings.log_format)
    from memproxy.app import serve as run

    sys.exit(asyncio.run(run(settings)))


@main.command()
@settings_options()
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def doctor(config: Path | None, as_json: bool, **given: Any) -> None:
    """Check settings, store, model and upstream, and say what to do about each problem.

    Give it the settings that `serve` gets. Exits with 1 where something is bad.

    \b
    memproxy doctor --upstream http://127.0.0.1:11434/v1 --entity me
    """
    from memproxy import doctor as checks

    settings = _load(config, given)
    findings = asyncio.run(checks.examine(settings))
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=1))
    else:
        for finding in findings:
            click.echo(finding.as_line())
    sys.exit(1 if any(finding.state == "bad" for finding in findings) else 0)


@main.group()
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
    click.echo(asyncio.run(keyring.create(_load(config, given), bound)))


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

    rows = asyncio.run(keyring.rows(_load(config, given), tenant))
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

    settings = _load(config, given)
    revoked = asyncio.run(keyring.revoke(settings, key))
    click.echo(f"revoked {revoked}; running services refuse it within {settings.key_cache:g} s (key_cache)", err=True)


@main.group()
def model() -> None:
    """The embedding model.

    \b
    memproxy model pull
    """


@model.command("pull")
@MODEL_SETTINGS
def pull_model(config: Path | None, **given: Any) -> None:
    """Put the default model and the tokeniser's ranks into the model directory, once, verified by SHA-256.

    \b
    memproxy model pull
    """
    from memproxy.plugins import find
    from memproxy.progress import Bars

    settings = _load(config, given)
    with Bars() as bars:
        find("models", "pull")(settings.model_dir, bars.advance)
    click.echo(f"the model is in {settings.model_dir}", err=True)


@model.command("compile")
@click.argument("name")
@MODEL_SETTINGS
def compile_model(config: Path | None, name: str, **given: Any) -> None:
    """Turn a sentence-transformers model into the fast form, for `--embedder minilm:NAME`.

    \b
    memproxy model compile sentence-transformers/all-MiniLM-L12-v2
    """
    from memproxy.plugins import find
    from memproxy.progress import Bars

    settings = _load(config, given)
    with Bars() as bars:
        embedder = find("models", "compile")(name, settings.model_dir, bars.advance)
    click.echo(f"use it with --embedder {embedder}", err=True)


@main.command()
@click.option("--keep", is_flag=True, help="leave the proxy running afterwards, for your own curl")
@MODEL_SETTINGS
def demo(config: Path | None, keep: bool, **given: Any) -> None:
    """Show memory at work on this machine, without any provider key.

    Plays a short story with the real proxy before a scripted stand-in for a model, kills the proxy in the middle, and
    checks that nothing was forgotten. Exits with 1 where the stand-in did not receive what it should have.

    \b
    memproxy demo
    memproxy demo --keep
    """
    from memproxy.demo import play

    sys.exit(asyncio.run(play(_load(config, given), keep=keep)))
