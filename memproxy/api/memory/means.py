"""What the calls of the memory API are carried out with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from memproxy.api.memory.underway import Underway
from memproxy.auth import Caller
from memproxy.capture import Capture
from memproxy.curation import Curation
from memproxy.ports import Archive, JobBoard, Jobs, Memory, Turns
from memproxy.recall.engine import Recall


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    turns: Turns
    memory: Memory
    archive: Archive
    jobs: Jobs
    board: JobBoard
    capture: Capture
    recall: Recall
    curation: Curation
    clock: Callable[[], datetime]
    process_only: bool
    """The setting `recall_scope`."""
    underway: Underway

    def confines(self, caller: Caller) -> bool:
        """Whether a chat with this key recalls only what one process has learned. Lists, exports and receipts show
        what the others learned too, so such a key may tell and recall, and nothing else."""
        key = caller.key
        return key is not None and (key.recall_scope == "process" or (self.process_only and key.process is not None))
