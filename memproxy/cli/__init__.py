"""The command line. Each command loads only what it needs, so that `--help` and errors come at once.

Commands that act on a running service take `--url` and `--key` (`service.py`); those that open the store themselves
take its settings (`settings.py`) and say so. Data goes to standard output, as tables for people or `--json` for
scripts; remarks and progress go to standard error. Text from a memory is never printed raw (`screen.py`).
"""

from __future__ import annotations

from typing import Any

import click

from memproxy import __version__
from memproxy.cli.entities import entities
from memproxy.cli.facts import facts
from memproxy.cli.jobs import jobs
from memproxy.cli.journal import journal
from memproxy.cli.keys import keys
from memproxy.cli.migrate import migrate
from memproxy.cli.model import model
from memproxy.cli.moving import export, import_
from memproxy.cli.recall import recall
from memproxy.cli.run import demo, doctor, serve
from memproxy.cli.screen import failed
from memproxy.errors import MemproxyError


class Program(click.Group):
    """The command group: an error made on purpose ends in one line, not in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MemproxyError as exc:
            ctx.exit(failed(exc))


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="memproxy")
def main() -> None:
    """Long-term memory for any LLM application, by changing one URL.

    \b
    memproxy serve --upstream https://api.openai.com/v1 --entity me
    """


for command in (serve, doctor, demo, recall, facts, entities, import_, export, jobs, journal, keys, model, migrate):
    main.add_command(command)
