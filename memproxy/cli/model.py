"""`model`: the embedding model, put where the service looks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from memproxy.cli.settings import MODEL_SETTINGS, load


@click.group()
def model() -> None:
    """The embedding model.

    \b
    memproxy model pull
    """


@model.command("pull")
@MODEL_SETTINGS
def pull_model(config: Path | None, **given: Any) -> None:
    """Fetch the default model, once, verified by SHA-256.

    It goes into the model directory, with the tokeniser's ranks.

    \b
    memproxy model pull
    """
    from memproxy.plugins import find
    from memproxy.progress import Bars

    settings = load(config, given)
    with Bars() as bars:
        find("models", "pull")(settings.model_dir, bars.advance)
    click.echo(f"the model is in {settings.model_dir}", err=True)


@model.command("compile")
@click.argument("name")
@MODEL_SETTINGS
def compile_model(config: Path | None, name: str, **given: Any) -> None:
    """Turn a sentence-transformers model into the fast form.

    Use it with `--embedder minilm:NAME`.

    \b
    memproxy model compile sentence-transformers/all-MiniLM-L12-v2
    """
    from memproxy.plugins import find
    from memproxy.progress import Bars

    settings = load(config, given)
    with Bars() as bars:
        embedder = find("models", "compile")(name, settings.model_dir, bars.advance)
    click.echo(f"use it with --embedder {embedder}", err=True)
