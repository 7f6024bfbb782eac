"""What people say to a store under measurement: turns as a chat makes them, in sessions that go on."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from memproxy.domain import Injection, Job, Message, Scope, Turn, Usage
from memproxy.ids import new_id
from memproxy.ports import Turns

PEOPLE = 200
"""More than turns wait at once, so that no two of a group are of one session."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS = ("garden", "piano", "visa", "Lisbon", "Oslo", "mother", "thesis", "Friday", "train", "allergy", "winter")


@dataclass(slots=True)
class Talk:
    """People, each in a session; the same seed says the same, but for ids."""

    seed: int
    people: int = PEOPLE
    jobs: bool = True
    """Whether each turn queues one."""
    versions: dict[str, int] = field(default_factory=dict)
    """Of each person's memory: what a block was recalled from."""
    _said: int = 0
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    async def begin(self, store: Turns) -> None:
        """Everybody's session gets its first turn."""
        await store.commit(self.turns(self.people))

    async def recall(self, store: Turns) -> None:
        """From now on blocks are recalled from the memories as they are."""
        for number in range(self.people):
            scope = Scope("acme", f"person-{number}", "app")
            self.versions[scope.entity] = (await store.look(scope, session=None, keys=(), pairs=())).version

    def turns(self, count: int) -> list[Turn]:
        """The next turns, of one person after another."""
        return [self._turn() for _ in range(count)]

    def _turn(self) -> Turn:
        number, self._said = self._said, self._said + 1
        person = f"person-{number % self.people}"
        scope = Scope("acme", person, "app")
        at = BEGAN + timedelta(seconds=number)
        session = f"{person}-session"
        return Turn(
            scope,
            session,
            request_id=new_id(),
            at=at,
            messages=(self._message("user", 500, at), self._message("assistant", 1500, at)),
            injection=Injection(
                self._key(),
                self._text(400),
                tokens=90,
                # Of people of whom nothing was learned yet: whether they still hold is told by the version alone.
                facts=tuple(new_id() for _ in range(3)),
                request_id=new_id(),
                receipt=self._text(1200).encode(),
                created_at=at,
            ),
            jobs=(Job(new_id(), "extract", scope, session, created_at=at, run_at=at),) if self.jobs else (),
            usage=Usage("gpt-5-mini", 900, 300),
            seen=self.versions.get(person, 0),
        )

    def _message(self, role: str, length: int, at: datetime) -> Message:
        return Message(new_id(), role, self._text(length), self._key(), at)

    def _key(self) -> bytes:
        return blake2b(self._chance.randbytes(16), digest_size=16).digest()

    def _text(self, length: int) -> str:
        return " ".join(self._chance.choices(_WORDS, k=length // 6))[:length]
