"""An entity as a file: NDJSON, complete, in the order in which it can be taken in again.

    {"format": "memproxy-archive", "version": 1, "entity": "alice", …}
    {"type": "session", "id": …}
    {"type": "message", "session": …, "text": …}
    …

One row a line; times as RFC 3339 to the microsecond, bytes (keys, vectors, receipts) as base64. A vector travels with
the name of its model, so that recall elsewhere is the same to the digit. Digests of what was forgotten travel too, and
keep it forgotten there. Nothing is held in memory but a page, neither way, and every line is looked at before it is
believed. Taking in the same archive twice adds nothing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from memproxy.archive_lines import FORMAT, VERSION, Header, Line, archived, kept
from memproxy.domain import Fact, Job, Kept, MemoryWrite, Message, Scope, Session
from memproxy.errors import BadRequest, NotFound
from memproxy.ids import new_id
from memproxy.ports import Archive, Jobs, Memory

PAGE = 128
"""Rows read, or stored, in one go."""
PAGE_BYTES = 4 * 2**20
"""Of lines stored in one go, unless a single one has more."""
LONGEST_LINE = 64 * 2**20
"""Bytes: a message of the largest size that the API takes, escaped."""

Progress = Callable[[int, int], None]
"""Is told how many rows are done, of how many."""


async def lines(archive: Archive, scope: Scope, *, progress: Progress | None = None) -> AsyncIterator[bytes]:
    """The archive, line by line. Raises `NotFound`, before the first one, where there is no such entity."""
    if await archive.entity(scope) is None:
        raise NotFound("There is no such entity.")
    yield _ENCODER.encode(Header(format=FORMAT, version=VERSION, entity=scope.entity)) + b"\n"
    done, cursor = 0, None
    while True:
        page = await archive.export(scope, cursor=cursor, limit=PAGE)
        for row in page.items:
            yield _ENCODER.encode(archived(row)) + b"\n"
        done += len(page.items)
        if progress is not None:
            progress(done, page.total)
        if (cursor := page.next_cursor) is None:
            return


@dataclass(frozen=True, slots=True)
class Imported:
    rows: int
    """Lines read, but for the first."""
    added: int
    """How many of them were not there yet."""


async def take_in(
    archive: Archive,
    memory: Memory,
    jobs: Jobs,
    scope: Scope,
    lines: AsyncIterable[bytes],
    clock: Callable[[], datetime],
) -> Imported:
    """Add what an archive holds; it comes in pieces of any size. Raises `BadRequest` naming the line and the field that
    cannot be understood. What was stored before it stays, and taking in the mended archive adds the rest."""
    intake = _Intake(archive, scope)
    number = 0
    try:
        async for line in _split(lines):
            number += 1
            if line.strip():
                await intake.take(line, number)
        if not intake.begun:
            raise BadRequest("line 1: the archive is empty", param="line")
        await intake.store()
    finally:
        if intake.read:
            await memory.write(scope, MemoryWrite(augmented=tuple(intake.read)))
        if unread := intake.jobs(clock()):
            await jobs.enqueue(unread)
    return Imported(intake.rows, intake.added)


@dataclass(slots=True)
class _Intake:
    """An archive on its way in."""

    archive: Archive
    scope: Scope
    rows: int = 0
    added: int = 0
    _page: list[Kept] = field(default_factory=list)
    _bytes: int = 0
    begun: bool = False
    _sessions: dict[str, str | None] = field(default_factory=dict)
    """Those seen so far, with their process."""
    _unread: dict[str, None] = field(default_factory=dict)
    """Those with messages that still have to be augmented."""
    _left: set[str] = field(default_factory=set)
    """Ids of those messages."""
    read: dict[str, None] = field(default_factory=dict)
    """Those of them whose episodes the archive holds: they were augmented while it was being written."""

    async def take(self, line: bytes, number: int) -> None:
        if not self.begun:
            _check(line, number)
            self.begun = True
            return
        row = _row(line, number)
        self._follow(row, number)
        self.rows += 1
        self._page.append(row)
        self._bytes += len(line)
        if len(self._page) >= PAGE or self._bytes >= PAGE_BYTES:
            await self.store()

    async def store(self) -> None:
        if self._page:
            self.added += await self.archive.restore(self.scope, self._page)
        for row in self._page:
            if isinstance(row.row, Message) and not row.augmented and row.session is not None:
                self._unread[row.session] = None
                self._left.add(row.row.id)
            elif isinstance(row.row, Fact) and row.row.kind == "episode":
                self.read |= {source.message_id: None for source in row.row.sources if source.message_id in self._left}
        self._page, self._bytes = [], 0

    def _follow(self, row: Kept, number: int) -> None:
        """A session comes before what belongs to it."""
        if isinstance(row.row, Session):
            self._sessions[row.row.id] = row.row.process
        elif row.session is not None and row.session not in self._sessions:
            raise BadRequest(f"line {number}: session: no line before this one holds it", param="session")

    def jobs(self, now: datetime) -> Sequence[Job]:
        """Extraction of what was stored and not augmented yet; where that was done since, it finds nothing to do."""
        return [
            Job(new_id(), "extract", Scope(self.scope.tenant, self.scope.entity, process), session, now, now)
            for session in self._unread
            for process in [self._sessions[session]]
        ]


def _check(line: bytes, number: int) -> None:
    """Whether this is an archive at all, and one that this version reads."""
    try:
        header = _HEADER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadRequest(f"line {number}: not the first line of a memproxy archive", param="format") from None
    if header.format != FORMAT:
        raise BadRequest(f"line {number}: format: must be {FORMAT}", param="format")
    if header.version != VERSION:
        raise BadRequest(f"line {number}: version: this memproxy reads {VERSION}", param="version")


def _row(line: bytes, number: int) -> Kept:
    try:
        return kept(_LINE.decode(line))
    except msgspec.ValidationError as exc:
        problem, name = _problem(str(exc))
        raise BadRequest(f"line {number}: {name}: {problem}", param=name) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest(f"line {number}: not JSON", param="line") from None
    except OverflowError:
        raise BadRequest(f"line {number}: a time beyond all calendars", param="line") from None
    except ValueError as exc:
        raise BadRequest(f"line {number}: {exc}", param=str(exc).partition(":")[0]) from None


def _problem(told: str) -> tuple[str, str]:
    """What is wrong and with which field, from what the decoder says, but for the value: that is somebody's own."""
    problem, _, path = told.partition(" - at `$")
    named = re.search("field `(.*)`", problem)
    name = named[1] if named else path.rstrip("`").lstrip(".")
    return re.sub("(Invalid .*value) .*", r"\1", problem), name or "line"


async def _split(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Whole lines, from pieces of any size."""
    rest = bytearray()
    async for piece in pieces:
        *whole, last = piece.split(b"\n")
        for part in whole:
            yield bytes(rest + part) if rest else part
            rest.clear()
        rest += last
        if len(rest) > LONGEST_LINE:
            raise BadRequest(f"a line has more than {LONGEST_LINE} bytes", param="line")
    if rest:
        yield bytes(rest)


_ENCODER = msgspec.json.Encoder()
_HEADER = msgspec.json.Decoder(Header)
_LINE: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
