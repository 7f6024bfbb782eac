"""A lock that is passed on in the order in which it was asked for.

hnswlib forbids a search beside an insertion. A long feed inserts in small slices; with a plain lock it would take it
again before a search that waits gets a turn.
"""

from __future__ import annotations

import threading


class Turnstile:
    """`with` it. Whoever waits stands in the door, so that the one leaving the room cannot slip in again first."""

    def __init__(self) -> None:
        self._door = threading.Lock()
        self._room = threading.Lock()

    @property
    def busy(self) -> bool:
        return self._room.locked()

    def __enter__(self) -> None:
        with self._door:
            self._room.acquire()

    def __exit__(self, *_: object) -> None:
        self._room.release()
