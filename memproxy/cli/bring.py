"""Importing: conversations out of a file, into the service in batches, with an account of what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

from memproxy.api.memory.inputs import MessageIn
from memproxy.cli.screen import visible
from memproxy.client import BadRequestError, MemproxyClient, ServerError, UnreachableError
from memproxy.errors import BadRequest
from memproxy.importers import formats, sources
from memproxy.importers.conversation import REASONS, Broken, Conversation, Said
from memproxy.importers.records import Data, Record, records
from memproxy.progress import Bars

if TYPE_CHECKING:
    from memproxy.api.memory.outputs import MessagesOut
    from memproxy.importers.formats import Format

T = TypeVar("T")
Advance = Callable[[int], None]
"""Told how many bytes are done."""

# One request holds so much; the service commits it in parts of 500 messages and takes bodies of 100 MiB.
BATCH_MESSAGES = 500
BATCH_CHARACTERS = 4_000_000
PIECE = 1 << 18
# A service that restarts is back within seconds. Telling twice stores once, so trying again does no harm.
PAUSES = (1.0, 2.0, 4.0)
PASSING = (502, 503, 504)
"""What memproxy, or a balancer before it, answers meanwhile."""
# Seconds between two looks at the background.
POLL = 0.3


@dataclass(slots=True)
class Brought:
    """What became of an import."""

    dry_run: bool
    format: str = ""
    sessions: set[str] = field(default_factory=set)
    messages: int = 0
    rows: int = 0
    """Of memproxy's own format, instead of messages."""
    stored: int = 0
    """How many were not there before."""
    untimed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    dead: int = 0
    """Jobs of this import that failed for good."""
    seconds: float = 0.0

    @property
    def count(self) -> int:
        return self.rows or self.messages

    @property
    def failed(self) -> bool:
        return bool(self.broken or self.dead)

    def as_dict(self) -> dict[str, Any]:
        return {
            "format": self.format,
            "dry_run": self.dry_run,
            "conversations": len(self.sessions),
            "messages": self.messages,
            "rows": self.rows,
            "stored": self.stored,
            "untimed": self.untimed,
            "skipped": dict(self.skipped),
            "broken": self.broken,
            "dead_jobs": self.dead,
            "seconds": round(self.seconds, 3),
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        new = "" if self.dry_run else f", {self.stored:,} of them new"
        yield "format", self.format
        if self.rows:
            yield "rows", f"{self.rows:,}{new}"
        else:
            yield "conversations", f"{len(self.sessions):,}"
            yield "messages", f"{self.messages:,}{new}"
        yield "dated today", f"{self.untimed:,} without a time" if self.untimed else ""
        for reason, count in self.skipped.most_common():
            yield "left out", f"{count:,} {REASONS[reason]}"
        yield "not read", f"{len(self.broken):,}, named below" if self.broken else ""
        yield "not learned", f"{self.dead:,} sessions; `memproxy jobs list --state dead` says why" if self.dead else ""
        yield "took", f"{self.seconds:.1f} s, {self.count / max(self.seconds, 0.001):,.0f}/s"


class Import:
    """One run of `memproxy import`."""

    def __init__(
        self,
        client: MemproxyClient,
        *,
        entity: str,
        process: str | None = None,
        dry_run: bool = False,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._client = client
        self._entity = entity
        self._process = process
        self._pauses = pauses
        self.brought = Brought(dry_run)

    def run(self, path: Path, format: Format | None) -> None:
        """Raises what the service raises, except where it refuses a single conversation."""
        start = monotonic()
        try:
            for number, part in enumerate(sources.parts(path), 1):
                name = "standard input" if str(path) == "-" else visible(path.name or str(path))
                step = name + (f", part {number}" if number > 1 else "")
                self._take(sources.mapped(part), format, step)
        finally:
            self.brought.seconds = monotonic() - start

    def _take(self, data: Data, format: Format | None, step: str) -> None:
        rows = records(data)
        heads = _heads(rows)
        self.brought.format = name = format or formats.detect(heads[-1].value)
        with Bars(unit="rows" if name == "memproxy" else "messages") as bars:

            def advance(done: int) -> None:
                bars.advance(step, done, len(data), count=self.brought.count)

            if name == "memproxy":
                self._restore(_pieces(data, advance))
            else:
                for found in formats.read(_watched(chain(heads, rows), advance), name):
                    self._account(found)
            advance(len(data))

    def _account(self, found: Conversation | Broken) -> None:
        if isinstance(found, Broken):
            what = "line" if self.brought.format == "jsonl" else "conversation"
            self.brought.broken.append(f"{what} {found.number}: {found.why}")
        else:
            self._tell(found)

    def _tell(self, conversation: Conversation) -> None:
        brought = self.brought
        brought.skipped.update(conversation.skipped)
        for batch in _batches(conversation.messages):
            try:
                if not brought.dry_run:
                    self._send(conversation.session, [_message(said) for said in batch])
            except BadRequestError as exc:
                if exc.param in ("entity", "process"):
                    raise
                brought.broken.append(f"{conversation.session}: {exc}")
                return
            brought.sessions.add(conversation.session)
            brought.messages += len(batch)
            brought.untimed += sum(said.at is None for said in batch)

    def _send(self, session: str, messages: list[MessageIn]) -> None:
        def tell() -> MessagesOut:
            return self._client.tell(self._entity, messages, session=session, process=self._process)

        # At the very first message, a service that is not there is a mistake rather than an accident.
        told = _patiently(tell, self._pauses) if self.brought.messages else tell()
        self.brought.stored += told.accepted
        if told.job is not None:
            self.brought.jobs.add(told.job)

    def _restore(self, pieces: Iterator[bytes]) -> None:
        """memproxy's own format is read by the service."""
        if self.brought.dry_run:
            self.brought.rows += sum(piece.count(b"\n") for piece in pieces) - 1  # the first line is a heading
            return
        taken = self._client.import_(self._entity, pieces)
        self.brought.rows += taken.rows
        self.brought.stored += taken.added


def _watched(rows: Iterable[Record], advance: Advance) -> Iterator[Record]:
    """Each is done when the next is asked for."""
    done = 0
    for row in rows:
        advance(done)
        yield row
        done = row.end


def _pieces(data: Data, advance: Advance) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE):
        advance(start)
        yield data[start : start + PIECE]


def _heads(rows: Iterator[Record]) -> list[Record]:
    """The records up to the first that can be read, which tells the format."""
    heads = []
    for row in rows:
        heads.append(row)
        if not row.fault:
            return heads
    raise BadRequest(f"nothing in the file can be read: {heads[0].fault}" if heads else "the file holds nothing")


def _batches(messages: tuple[Said, ...]) -> Iterator[list[Said]]:
    batch: list[Said] = []
    size = 0
    for said in messages:
        if batch and (len(batch) == BATCH_MESSAGES or size + len(said.text) > BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(said)
        size += len(said.text)
    if batch:
        yield batch


def _message(said: Said) -> MessageIn:
    fields = {"id": said.id, "role": said.role, "content": said.text, "name": said.name, "created_at": said.at}
    return MessageIn.model_validate({name: value for name, value in fields.items() if value is not None})


def _patiently(send: Callable[[], T], pauses: Sequence[float]) -> T:
    """A service that restarts in the middle of a long import costs some seconds, not the import."""
    for pause in pauses:
        try:
            return send()
        except UnreachableError:
            sleep(pause)
        except ServerError as exc:
            if exc.status not in PASSING:
                raise
            sleep(pause)
    return send()


def settle(client: MemproxyClient, entity: str, brought: Brought) -> None:
    """Wait until all that was told is learned; whoever interrupts it only stops watching."""
    with Bars(unit="jobs") as bars:
        total = waiting = _waiting(client, entity)
        while total:
            bars.advance("learning from it", total - waiting, total, count=total - waiting)
            if not waiting:
                break
            sleep(POLL)
            waiting = _waiting(client, entity)
            total = max(total, waiting)
    brought.dead = sum(job.id in brought.jobs for job in client.jobs(entity=entity, state="dead"))


def _waiting(client: MemproxyClient, entity: str) -> int:
    return client.jobs(entity=entity, state="pending", page_size=1).page().total
