"""The command line: each command explains itself, and a mistake is one line that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import click
import pytest

from memproxy.api.memory.fields import Kind, Stated
from memproxy.cli import main
from memproxy.cli.facts import KINDS, STATED

from .running import fails, memproxy

COMMANDS = [
    (), ("serve",), ("demo",), ("doctor",), ("keys",), ("keys", "create"), ("keys", "list"), ("keys", "revoke"),
    ("journal",), ("journal", "show"), ("journal", "retry"),
    ("model",), ("model", "pull"), ("model", "compile"), ("recall",), ("facts",), ("facts", "list"),
    ("facts", "search"), ("facts", "add"), ("facts", "show"), ("facts", "correct"), ("facts", "pin"),
    ("facts", "unpin"), ("facts", "forget"), ("facts", "history"), ("entities",), ("entities", "list"),
    ("entities", "show"), ("entities", "sessions"), ("entities", "erase"), ("import",), ("export",), ("jobs",),
    ("jobs", "list"), ("jobs", "retry"), ("migrate",),
]  # fmt: skip


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


def found(path: tuple[str, ...]) -> click.Command:
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


def test_the_list_of_commands_here_is_complete():
    assert set(commands(main)) == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "memproxy")
def test_the_help_of_each_command_shows_an_example(path: tuple[str, ...]):
    shown = found(path).get_help(click.Context(main))
    example = " ".join(("memproxy", *path))
    assert re.search(rf"^ +{example}( |$)", shown, re.MULTILINE), shown


@pytest.mark.parametrize("path", [path for path in COMMANDS if isinstance(found(path), click.Group)], ids=str)
def test_a_list_of_commands_cuts_no_explanation_short(path: tuple[str, ...]):
    shown = found(path).get_help(click.Context(main, info_name="memproxy")).partition("Commands:")[2]
    assert shown
    assert "..." not in shown


@pytest.mark.parametrize(
    "path", [path for path in COMMANDS if path[:1] in {("recall",), ("facts",), ("entities",), ("jobs",)}], ids=str
)
def test_what_acts_on_a_service_takes_its_address_and_answers_scripts(path: tuple[str, ...]):
    command = found(path)
    if not isinstance(command, click.Group):
        flags = {option for parameter in command.params for option in parameter.opts}
        assert {"--url", "--key"} <= flags
        assert "--json" in flags or path == ("facts", "forget")


def test_the_kinds_of_facts_are_those_of_the_api():
    assert sorted(STATED) == sorted(get_args(Stated))
    assert sorted(KINDS) == sorted(get_args(Kind))


def test_help_and_version_answer_from_the_command_line():
    assert "memproxy serve --upstream" in memproxy("--help").stdout
    assert re.fullmatch(r"memproxy, version \d+\.\d+\S*\n", memproxy("--version").stdout)


def test_an_unknown_flag_is_named():
    assert "--token-bugdet" in fails(2, "serve", "--token-bugdet", "1")
