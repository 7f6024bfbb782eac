"""What a command shows. Text from a memory may hold anything, so nothing of it reaches the terminal as it is: control
characters, which would move the cursor, colour the screen or answer in the person's stead, and marks that turn the
direction of writing around, are shown by their codes.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import click

from memproxy.errors import ConfigError, MemproxyError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

T = TypeVar("T")

# Controls of ASCII and of Latin-1, separators of lines, halves of surrogate pairs, and what steers the direction of
# writing. Letters that run from right to left are letters like others.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# A last column narrower than this is put above its row instead.
READABLE = 40


def visible(text: str, *, lines: bool = False) -> str:
    """The text without power over a terminal: on one line, or with its own line breaks."""
    text = text.expandtabs(4).replace("\r\n", "\n") if lines else " ".join(text.split())
    return _UNSAFE.sub(lambda found: found[0] if lines and found[0] == "\n" else _code(found[0]), text)


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}"


def say(text: str) -> None:
    """A remark: on standard error, where no script takes it for data."""
    click.echo(visible(text), err=True)


def failed(error: MemproxyError) -> int:
    """Say it in one line; returns the exit status."""
    say(f"memproxy: {error}")
    return 2 if isinstance(error, ConfigError) else 1


def show(text: str) -> None:
    """Text of several lines."""
    _out(visible(text, lines=True))


def show_json(*documents: BaseModel | dict[str, object]) -> None:
    """Each as one line."""
    for document in documents:
        fields = document if isinstance(document, dict) else document.model_dump(mode="json")
        text = json.dumps(fields, ensure_ascii=False)
        _out(_UNSAFE.sub(lambda found: _code(found[0]), text))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under their columns, of which the last takes the room that is left. Where it goes to a program there is one
    line for each row, whatever its length."""
    told = [[visible(cell) for cell in row] for row in rows]
    if not told:
        return
    if not sys.stdout.isatty():
        _show_lines(columns, told)
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    used = [place for place in range(len(columns)) if any(row[place] for row in told)]
    columns, told = [columns[place] for place in used], [[row[place] for place in used] for row in told]
    *fixed, last = _widths([columns, *told])
    if console.width - sum(fixed) - 2 * len(fixed) < min(READABLE, last):
        _show_cards(console, told)
    else:
        _show_columns(console, columns, told)


def show_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Names and values, those with a value."""
    known = [(visible(name), visible(value)) for name, value in fields if value]
    width = max(len(name) for name, _ in known)
    for name, value in known:
        _out(f"{name:<{width}}  {value}")


def first(items: Iterable[T], limit: int | None) -> list[T]:
    return list(islice(items, limit))


def day(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d")


def minute(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _out(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding))


def _widths(table: Sequence[Sequence[str]]) -> list[int]:
    """Of the columns, as a terminal counts: a Chinese character or an emoji takes two cells."""
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in zip(*table, strict=True)]


def _show_lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.cells import set_cell_size

    table = [columns, *rows]
    widths = _widths(table)
    for row in table:
        padded = [set_cell_size(cell, width) for cell, width in zip(row[:-1], widths, strict=False)]
        _out("  ".join((*padded, row[-1])).rstrip())


def _show_columns(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, no_wrap=name != columns[-1], overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _show_cards(console: Console, rows: Sequence[Sequence[str]]) -> None:
    """For a narrow terminal: what is read first, and below it what names it."""
    for row in rows:
        *details, text = row
        if text:
            console.print(text)
        console.print("  " + " · ".join(detail for detail in details if detail), style="dim")
