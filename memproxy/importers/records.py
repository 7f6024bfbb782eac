"""Bytes to JSON values: the elements of one array, the lines of JSON Lines, or one object.

Only one value at a time becomes Python objects. The ends of an array's elements are found by their brackets, which
takes 9 s for a mapped file of 500 MB and 5 MB of memory, so that one damaged element, or a download that broke off,
costs no other. (Streaming parsers build the same objects and stop at the first damage; `msgspec.Raw` splits in 0.3 s
and refuses the whole for one half of a surrogate pair, which real exports hold.)
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from memproxy.errors import BadRequest

Data = bytes | mmap.mmap
BOM = b"\xef\xbb\xbf"
# A string, within which brackets do not count, or a bracket.
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON value of a file, or why it is none."""

    number: int
    """Its place in the file, from 1; for JSON Lines the number of the line."""
    end: int
    """How many bytes of the file lie before its end."""
    value: Any = None
    fault: str = ""


def records(data: Data) -> Iterator[Record]:
    """Raises `BadRequest` where the whole is neither."""
    start = len(BOM) if data[: len(BOM)] == BOM else 0
    first = _first(data, start)
    if first == b"":
        raise BadRequest("the file is empty")
    if first == b"[":
        return _elements(data, start)
    if first == b"{":
        return _lines(data, start)
    raise BadRequest("the file is neither JSON nor JSON Lines")


def _first(data: Data, start: int) -> bytes:
    """The first byte that is no white space."""
    while piece := data[start : start + 4096]:
        if text := piece.lstrip():
            return text[:1]
        start += len(piece)
    return b""


def _elements(data: Data, start: int) -> Iterator[Record]:
    depth = number = 0
    for found in _STRUCTURE.finditer(data, start):
        mark = data[found.start() : found.start() + 1]
        if mark in b"[{":
            depth += 1
            if depth == 2:
                start = found.start()
        elif mark in b"]}":
            depth -= 1
            if depth == 1:
                number += 1
                yield _record(number, found.end(), data[start : found.end()])
            elif depth == 0:
                return
    yield Record(number + 1, len(data), fault="the file ends in the middle of it; was it downloaded to its end?")


def _lines(data: Data, start: int) -> Iterator[Record]:
    lines = _numbered(data, start)
    if all(_record(*line).fault for line in islice(lines, 2)):
        return iter((_whole(data, start),))
    return (_record(*line) for line in _numbered(data, start))


def _whole(data: Data, start: int) -> Record:
    """One object that is spread over lines."""
    record = _record(1, len(data), data[start:])
    if record.fault:
        raise BadRequest("the file is neither JSON nor JSON Lines; was it downloaded to its end?")
    return record


def _numbered(data: Data, start: int) -> Iterator[tuple[int, int, bytes]]:
    """Lines that hold something, with their numbers and ends."""
    number = 0
    while start < len(data):
        found = data.find(b"\n", start)
        end = len(data) if found < 0 else found + 1
        number += 1
        line = data[start:end]
        if line.strip():
            yield number, end, line
        start = end


def _record(number: int, end: int, text: bytes) -> Record:
    try:
        return Record(number, end, json.loads(text))
    except UnicodeDecodeError:
        return Record(number, end, fault="it is not UTF-8")
    except RecursionError:
        return Record(number, end, fault="it is nested too deeply")
    except ValueError as exc:
        return Record(number, end, fault=f"it is not JSON: {exc}")
