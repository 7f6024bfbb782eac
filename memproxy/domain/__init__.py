"""The values that travel between the parts: frozen, no I/O, no clock.

A tenant owns entities (people); an entity talks through processes (apps, agents) in sessions
(conversations); a session holds messages; messages become facts; facts are recalled as a block.

    Turn ──commit──► Message, Injection, Job ──augment──► Fact, Triple ──recall──► Hit ──render──► Block

Ids that callers choose (tenant, entity, process, session) are kept as they came; ids that memproxy
makes (message, fact, job, request) are UUIDv7 text. Times are timezone-aware UTC datetimes.
"""

from memproxy.domain.archive import Entity, Kept, Page, Receipt
from memproxy.domain.conversation import ANCHOR, Committed, Injection, Known, Message, Session, Sought, Turn, Usage
from memproxy.domain.memory import Block, Changes, Claim, Event, Fact, FactState, Hit, MemoryWrite, Source, Triple
from memproxy.domain.queue import Job, JobState, QueueDepth
from memproxy.domain.schema import SchemaVersion
from memproxy.domain.scope import ApiKey, Scope

__all__ = [
    "ANCHOR",
    "ApiKey",
    "Block",
    "Changes",
    "Claim",
    "Committed",
    "Entity",
    "Event",
    "Fact",
    "FactState",
    "Hit",
    "Injection",
    "Job",
    "JobState",
    "Kept",
    "Known",
    "MemoryWrite",
    "Message",
    "Page",
    "QueueDepth",
    "Receipt",
    "SchemaVersion",
    "Scope",
    "Session",
    "Sought",
    "Source",
    "Triple",
    "Turn",
    "Usage",
]
