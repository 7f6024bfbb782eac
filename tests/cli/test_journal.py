"""`memproxy journal`: what waits, what was put aside, and how it comes back."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from memproxy.cli import main
from memproxy.journal import Journal
from memproxy.testing.store_samples import turn


def run(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(main, ["journal", *words, f"--data-dir={folder}"])
    assert done.exit_code == 0, done.output
    return done.output


async def test_what_waits_and_what_was_refused_is_shown_and_the_refused_wait_again(tmp_path: Path) -> None:
    assert "nothing waits" in run(tmp_path, "show")
    async with Journal(folder=tmp_path / "journal", limit=1 << 20) as journal:
        await journal.keep(turn("what somebody said", session="a"))
        await journal.refuse(turn("what somebody said", session="b"))
        shown = json.loads(run(tmp_path, "show", "--json"))
        assert [(row["state"], row["turns"], row["damaged"]) for row in shown] == [("waiting", 1, 0), ("refused", 1, 0)]
        assert "what somebody said" not in run(tmp_path, "show")
        assert "1 files" in run(tmp_path, "retry")
        await journal.look_around()
        assert (journal.turns, journal.aside) == (2, 0)
