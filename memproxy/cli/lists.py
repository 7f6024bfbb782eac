"""Lists, as every command shows them: the newest for people, all of them a line each for scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import click

from memproxy.cli.screen import first, say, show_json, show_table

if TYPE_CHECKING:
    from memproxy.api.memory.fields import Shown
    from memproxy.client import Listing

T = TypeVar("T", bound="Shown")

SHOWN = 50
limit = click.option("--limit", type=click.IntRange(1), help=f"at most so many [{SHOWN}; with --json all]")


def show_lists(
    listings: Sequence[Listing[T]],
    columns: Sequence[str],
    row: Callable[[T], Sequence[str]],
    *,
    limit: int | None,
    as_json: bool,
    nothing: str,
) -> None:
    """One after the other, as one list; `nothing` is said where all are empty."""
    if as_json:
        for item in first(chain.from_iterable(listings), limit):
            show_json(item)
        return
    pages = [listing.page() for listing in listings]
    rest = (listing.rest(page) for listing, page in zip(listings, pages, strict=True))
    rows = first(map(row, chain.from_iterable(rest)), limit or SHOWN)
    show_table(columns, rows)
    total = sum(page.total for page in pages)
    if len(rows) < total:
        say(f"{len(rows)} of {total}; --limit shows more")
    elif not total:
        say(nothing)
