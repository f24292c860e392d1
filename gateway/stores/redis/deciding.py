"""Asking the script and hearing it: the slot of a home, the clock, events, and whether things go well."""

from collections.abc import Callable
from typing import Final

from gateway.core.clock import Clock
from gateway.core.ports import Events
from gateway.stores.base import StoreUnavailable
from gateway.stores.redis import answers
from gateway.stores.redis.answers import Answer, Misread
from gateway.stores.redis.asking import Asking
from gateway.stores.redis.calls import slot_tag
from gateway.stores.redis.resp import Reply
from gateway.stores.redis.servers import slot_of

RESPANS: Final = 3
MAX_SLOTS: Final = 65_536


class Deciding:
    """`failing` says whether the last call or delivery failed; an event tells when that begins."""

    def __init__(self, asking: Asking, clock: Clock, events: Events, *, clock_decides: bool) -> None:
        self.asking = asking
        self.failing = False
        self._clock = clock
        self._events = events
        self._clock_decides = clock_decides
        self._ahead_ms = 0
        self._slots: dict[str, int] = {}

    async def decide(self, home: str, call: Callable[[int], bytes]) -> Answer:
        """One call of the script, again if the period of a budget was over by Redis' clock."""
        slot = self.slot(home)
        for _ in range(RESPANS):
            try:
                answer = answers.read(await self.asking.ask(slot, call(self._clock.now_ms() + self._ahead_ms)))
            except Misread as error:
                self.trouble(str(error))
                raise StoreUnavailable(f"Redis answers in another way than expected: {error}") from error
            except StoreUnavailable as error:
                self.trouble(str(error))
                raise
            self.failing = False
            self._report(answer)
            if answer.kind != "respan":
                return answer
            self._ahead_ms = answer.now_ms - self._clock.now_ms()
        raise StoreUnavailable("the clocks of Redis and of this machine cannot agree on the day")

    def told(self, reply: Reply) -> None:
        try:
            self._report(answers.read(reply))
            self.failing = False
        except Misread as error:
            self.trouble(str(error))

    def _report(self, answer: Answer) -> None:
        for _ in range(answer.expired):
            self._events.emit("ledger.expired")
        for unit, units in answer.clamped:
            self._events.emit("ledger.debt_clamped", unit=unit, units=units)

    def trouble(self, why: str) -> None:
        if not self.failing:
            self.failing = True
            self._events.emit("store.commit_failed", store="redis", error=why)

    def slot(self, home: str) -> int:
        slot = self._slots.get(home)
        if slot is None:
            if len(self._slots) >= 65536:
                self._slots.clear()
            slot = self._slots[home] = slot_of(slot_tag(home))
        return slot

    def script_now(self) -> int | None:
        return self._clock.now_ms() if self._clock_decides else None
