"""From the journal into the store: in groups, in the order of each person's turns, past those that no store takes.

    look around ─► anything waits? ─► wave by wave: settle, commit ─► nothing waits: straight to the store again

Which session a turn belongs to may hang on the ones before it, so a wave ends for a person where a turn must be looked
up; waves hold the turns of many. Where a wave fails although the store answers, one of its turns may be at fault: it is
halved until that one stands alone. It is put aside where the store says that it never takes it, or after some tries and
a while in which it took others; what the same person said later waits that long too, so that the order stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from memproxy.domain import Turn
from memproxy.errors import BadRequest, StoreUnavailable
from memproxy.journal import Journal, Outcome
from memproxy.ports import Health, Turns
from memproxy.remember import settled

log = logging.getLogger(__name__)

GROUP = 256
"""Turns that are read and committed together."""
LOOKS = 8
"""Lookups at a time, so that those of running chats get their turn."""
RETRY = 1.0
"""Seconds between two tries to reach a store that is away."""
LOOK_AROUND = 5.0
"""Seconds between two looks for the journals of processes that have died."""
TRIES = 3
STRIKES = 3
"""Turns that fail one after another, and none between that succeeds: then it is the store."""
HOLD = 60.0
"""Seconds that a turn is tried at least before it is put aside, and that it keeps later ones of its person waiting."""


@dataclass(slots=True)
class _Suspect:
    """A turn that failed alone while the store answered."""

    since: float
    stored: int
    """How many turns had been stored then."""
    tries: int = 0


class Replay:
    """`on_stored` is told that turns came into the store."""

    def __init__(self, *, journal: Journal, turns: Turns, health: Health, on_stored: Callable[[], None]) -> None:
        self._journal, self._turns, self._health, self._on_stored = journal, turns, health, on_stored
        self._away = asyncio.Event()
        self._stored = 0
        self._suspects: dict[tuple[str, str, str], _Suspect] = {}
        self._held: set[tuple[str, str]] = set()
        """Whose turns wait for one before them."""
        self._strikes = 0

    @property
    def away(self) -> bool:
        """Whether turns go to the journal: the store fails, or has not everything yet that was said before."""
        return self._away.is_set()

    def begin(self) -> None:
        """Something waits in the journal."""
        self._away.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_AROUND):
                    await self._away.wait()
            except TimeoutError:
                pass
            try:
                await self._pass()
            except StoreUnavailable as exc:
                log.debug("turns still wait in the journal", extra={"reason": str(exc)})
            if self.away:
                await asyncio.sleep(RETRY)

    async def _pass(self) -> None:
        if await self._journal.look_around():
            self._away.set()
            self._held.clear()
            count = await self._journal.replay(self._store)
            if count:
                log.info("turns of the journal are in the store", extra={"turns": count})
        if self._journal.empty:
            self._suspects.clear()
            self._away.clear()

    async def _store(self, turns: Sequence[Turn]) -> Outcome:
        ended: dict[int, bool] = {}
        error, before = None, self._stored
        try:
            for start in range(0, len(turns), GROUP):
                for wave in _waves(turns[start : start + GROUP]):
                    await self._take(wave, ended)
        except StoreUnavailable as exc:
            error = exc
        if self._stored > before:
            self._on_stored()
        left = [turn for turn in turns if id(turn) not in ended]
        return Outcome(left, [turn for turn in turns if not ended.get(id(turn), True)], error)

    async def _take(self, wave: Sequence[Turn], ended: dict[int, bool]) -> None:
        """Store the turns of a wave; `ended` tells, by its `id`, whether one was taken or refused. Raises
        `StoreUnavailable` where the store is away."""
        wave = [turn for turn in wave if _whose(turn) not in self._held]
        if not wave:
            return
        try:
            await self._turns.commit(await self._settled(wave))
        except Exception as error:  # noqa: BLE001 a turn that breaks the store's adapter would break it at every start
            await self._reachable(error)
            if len(wave) == 1:
                self._suspect(wave[0], error, ended)
                return
            half = len(wave) // 2
            await self._take(wave[:half], ended)
            await self._take(wave[half:], ended)
        else:
            self._stored += len(wave)
            self._strikes = 0
            ended |= dict.fromkeys(map(id, wave), True)

    async def _settled(self, wave: Sequence[Turn]) -> list[Turn]:
        found: list[Turn] = []
        for start in range(0, len(wave), LOOKS):
            found += await asyncio.gather(*(settled(self._turns, turn) for turn in wave[start : start + LOOKS]))
        return found

    async def _reachable(self, error: Exception) -> None:
        if isinstance(error, StoreUnavailable):
            await self._health.check()

    def _suspect(self, turn: Turn, error: Exception, ended: dict[int, bool]) -> None:
        now = monotonic()
        suspect = self._suspects.setdefault((*_whose(turn), turn.request_id), _Suspect(now, self._stored))
        suspect.tries += 1
        waited = now - suspect.since >= HOLD
        if isinstance(error, BadRequest) or (waited and suspect.tries >= TRIES and self._stored > suspect.stored):
            log.error("the store never takes a turn of the journal", extra={"error": type(error).__name__})
            ended[id(turn)] = False
            return
        if not waited:
            self._held.add(_whose(turn))
        self._strikes += 1
        if self._strikes >= STRIKES:
            self._strikes = 0
            raise StoreUnavailable("the store answers, and takes no turn") from error


def _whose(turn: Turn) -> tuple[str, str]:
    return turn.scope.tenant, turn.scope.entity


def _waves(turns: Sequence[Turn]) -> list[list[Turn]]:
    """In each, a turn to be looked up is the first of its person."""
    waves: list[list[Turn]] = []
    last: dict[tuple[str, str], int] = {}
    for turn in turns:
        wave = last.get(_whose(turn), -1)
        if wave < 0 or turn.sought is not None:
            wave += 1
        if wave == len(waves):
            waves.append([])
        waves[wave].append(turn)
        last[_whose(turn)] = wave
    return waves
