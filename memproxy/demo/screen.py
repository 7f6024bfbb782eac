"""How the demo looks: two columns, the app's words beside what the model received, the memory block marked by `+`.

From 80 columns on, with or without a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from memproxy.testing.exchange import text_of

if TYPE_CHECKING:
    from memproxy.demo.app import Seen
    from memproxy.demo.story import Check, Used

NARROW, WIDE = 80, 120
MEMORY = "bold green"
QUIET = "dim"


class Screen:
    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._console.width = min(max(self._console.width, NARROW), WIDE)

    def opening(self, service: str, model: str, seconds: float) -> None:
        self._print(
            "\n[bold]memproxy[/bold], the real one, listens on", f"{service}/v1 (ready in {seconds:.1f} s).",
            "\nThe model is a [bold]scripted stand-in[/bold] on", f"{model}: it has no intelligence and only repeats",
            "what it finds in its prompt. So you see what reaches a model, not how clever one is.",
            "\nThe apps use the official openai client; all they changed is their base URL. Scores are those that the",
            "memory API's recall gives for the same question.",
        )  # fmt: skip

    def act(self, title: str) -> None:
        self._console.print()
        self._console.rule(Text(title, "bold"), align="left")

    def request(self, app: str, seen: Seen, used: Sequence[Used]) -> None:
        table = Table(expand=True, box=None, padding=(0, 1), show_edge=False, pad_edge=False)
        table.add_column(f"the app {app!r} sent", ratio=2, header_style="bold underline")
        table.add_column("the model received", ratio=3, header_style="bold underline")
        for sent, received in zip(seen.sent_messages, seen.received_messages, strict=False):
            table.add_row(_sent(sent), _received(sent, received))
        self._console.print()
        self._console.print(table)
        self._console.print(Padding(Group(*_notes(seen, used)), (1, 0, 0, 2)))

    def background(self, jobs: int, facts: int, seconds: float) -> None:
        self._print(
            f"\nIn the background, {jobs} jobs turned the conversation into {facts} facts, {1000 * seconds:.0f} ms",
            "after the last answer: rules read them, no model was called.",
        )

    def killed(self, app: str, said: str, pieces: int, pid: int) -> None:
        self._print(f"\nThe app {app!r} says", f"“{said}”", f"and gets its answer in {pieces} pieces.")
        self._print("The moment the last piece is there:", f"[bold red]kill -9 {pid}[/bold red]. The proxy is gone.")

    def restarted(self, pid: int, ready: float, settled: float) -> None:
        self._print(
            f"Started again as process {pid}, ready in {ready:.1f} s; the background work that the dead process left",
            f"is done {settled:.1f} s after the start.",
        )

    def cost(self, samples: int, recall: float, off: float, straight: float) -> None:
        self.act("What it costs")
        self._print(
            f"Median of {samples} requests in a row, each a new question: {_ms(straight)} straight to the stand-in,",
            f"{_ms(off)} through memproxy with memory off, {_ms(recall)} with memory.",
        )

    def proof(self, checks: Sequence[Check]) -> None:
        self.act("What was checked")
        for check in checks:
            mark = Text("✓" if check.holds else "✗", "green" if check.holds else "bold red")
            row = Table.grid(padding=(0, 1))
            row.add_row(mark, check.claim)
            self._console.print(row)
        if all(check.holds for check in checks):
            self._print("\nNext:", "[bold]memproxy serve --upstream https://api.openai.com/v1 --entity me[/bold]")
        else:
            self._print("\n[bold red]The demo failed: see the lines marked ✗.[/bold red]")

    def kept(self, service: str, model: str, folder: Path) -> None:
        body = '{"model": "stand-in", "messages": [{"role": "user", "content": "What am I allergic to?"}]}'
        self.act("Try it yourself")
        self._print(f"memproxy {service}   stand-in {model}   data {folder}\n")
        self._console.print(f"curl -i {service}/v1/chat/completions \\\n  -H 'Content-Type: application/json' \\\n"
                            f"  -d '{body}'", markup=False, soft_wrap=True)  # fmt: skip
        self._print("\nCtrl-C ends both and removes the data.")

    def _print(self, *parts: str) -> None:
        self._console.print(*parts)


def _sent(message: Mapping[str, Any]) -> Text:
    return Text.assemble((f"{message['role']}: ", "bold"), text_of(message["content"]))


def _received(sent: Mapping[str, Any], received: Mapping[str, Any]) -> Text:
    """The message as it arrived; what memory put before the app's own words stands out, also without colours."""
    whole, own = text_of(received["content"]), text_of(sent["content"])
    memory = whole.removesuffix(own)
    shown = Text(f"{received['role']}: ", "bold")
    if memory:
        shown.append("\n" + "\n".join(f"+ {line}" for line in memory.rstrip().splitlines()) + "\n", MEMORY)
    return shown.append(whole[len(memory) :], "not bold")


def _notes(seen: Seen, used: Sequence[Used]) -> list[RenderableType]:
    notes: list[RenderableType] = [_labelled("the app got", _answer(seen))]
    if seen.plain_answer != seen.answer:
        notes.append(_labelled("without memproxy", seen.plain_answer))
    notes.append(_labelled("memory", _outcome(seen)))
    if used:
        notes.append(_scores(used))
    notes.append(_labelled("cost", _cost(seen)))
    return notes


def _labelled(label: str, text: str) -> Text:
    return Text.assemble((f"{label}: ", QUIET), text)


def _answer(seen: Seen) -> str:
    return f"“{seen.answer}”" + (f", streamed in {seen.pieces} pieces" if seen.pieces else "")


def _outcome(seen: Seen) -> str:
    outcome = seen.headers.get("x-memproxy-memory", "?")
    facts, tokens = seen.headers.get("x-memproxy-facts", "0"), seen.headers.get("x-memproxy-tokens", "0")
    if facts != "0":
        return f"{outcome}, {facts} facts in {tokens} tokens"
    if b"<memory>" in seen.received:
        return f"{outcome} that is new: the earlier block stands where it stood"
    return f"{outcome}, no block was added"


def _scores(used: Sequence[Used]) -> Padding:
    """What was used, and why: the score of each fact and the signals that make it up, as recall gives them."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style=QUIET)
    table.add_column("used", ratio=3)
    table.add_column("score", justify="right")
    table.add_column("because of", ratio=2)
    for one in sorted(used, key=lambda one: -(one.score or 0)):
        score = "" if one.score is None else f"{one.score:.1f}"
        table.add_row(Text(one.line.removeprefix("- ")), score, Text(_reasons(one)))
    return Padding(table, (0, 0, 0, 2))


def _reasons(used: Used) -> str:
    best = sorted((used.why or {}).items(), key=lambda part: -abs(part[1]))
    return ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in best if abs(value) >= 0.05)


def _cost(seen: Seen) -> str:
    steps = ", ".join(f"{name} {1000 * seconds:.1f}" for name, seconds in seen.steps.items())
    if seen.pieces:
        return f"first word {_ms(seen.first)}, straight to the model {_ms(seen.straight_first)} ({steps} ms)"
    return f"{_ms(seen.total)}, straight to the model {_ms(seen.straight_total)} ({steps} ms)"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
