"""The store of many processes: every decision is one call of one Lua script, at one Redis server per home.

All limits of a home (an org) are decided together. Limits of several homes in one request are reserved home by home,
each all or nothing, and given back if one of them has no room: never too much, at worst a refusal that a moment later
would have been none.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from gateway.core.clock import Clock
from gateway.core.ports import Events, NoEvents
from gateway.core.redis_target import Target
from gateway.core.units import Amounts
from gateway.engine.spec import Spec
from gateway.engine.verdict import Held, Reading, Verdict
from gateway.stores.base import LedgerReport, StoreUnavailable
from gateway.stores.redis import answers, checks
from gateway.stores.redis.answers import Answer
from gateway.stores.redis.asking import Asking, Unsure
from gateway.stores.redis.calls import Calls
from gateway.stores.redis.deciding import Deciding
from gateway.stores.redis.endpoint import Dial
from gateway.stores.redis.groups import Group, Groups, joined
from gateway.stores.redis.listing import held, verify
from gateway.stores.redis.open_reservations import Opened, OpenReservations, taken
from gateway.stores.redis.outbox import Outbox, Parcel
from gateway.stores.redis.servers import servers
from gateway.stores.redis.undelivered import Settlement, Undelivered

log = logging.getLogger("gateway")

LOOKS: Final = 2
"""Places looked at in passing, whether they can be dropped: two for each call, so that the idle ones go."""
RENEW_AT_ONCE: Final = 200
OVERDUE_AT_ONCE: Final = 64
CLOSE_S: Final = 2.0


class RedisStore:
    """`dial` says how to connect, `undelivered` keeps settlements through an outage.

    With `clock_decides` the script goes by this process' clock instead of Redis' own: for tests, since the clocks of
    several processes never agree.
    """

    name = "redis"

    def __init__(
        self,
        target: Target,
        clock: Clock,
        events: Events | None = None,
        *,
        dial: Dial | None = None,
        undelivered: Undelivered | None = None,
        clock_decides: bool = False,
        looks: int = LOOKS,
    ) -> None:
        self._target = target
        self._clock = clock
        self._looks = looks
        self._calls = Calls()
        self._groups = Groups()
        self._open = OpenReservations()
        self._file = undelivered or Undelivered(None)
        self.asking = Asking(servers(target, dial or Dial(db=target.db, username=target.username)))
        self._deciding = Deciding(self.asking, clock, events or NoEvents(), clock_decides=clock_decides)
        self._outbox = Outbox(self.asking, self._file, self._deciding.told, self._deciding.trouble)

    @property
    def degraded(self) -> bool:
        return self._deciding.failing or self._outbox.behind

    async def open(self) -> None:
        for warning in await checks.check(self.asking.servers, self._target):
            log.warning("check the usage store", extra={"fields": {"hint": warning}})
        try:
            left = self._file.load()
        except OSError as error:
            raise StoreUnavailable(f"the file of undelivered settlements: {error}", transient=False) from error
        for one in left:
            self._outbox.keep(self._parcel(one), in_file=True)

    def _parcel(self, one: Settlement) -> Parcel:
        return Parcel(
            self._deciding.slot(one.home),
            self._calls.settle(one.home, one.id, one.actual, self._deciding.script_now()),
            one,
        )

    async def reserve(
        self, reservation_id: str, specs: Sequence[Spec], amounts: Amounts, on_expiry: Amounts, ttl_ms: int
    ) -> Verdict:
        if amounts and min(amounts.values()) < 0:
            raise ValueError(f"cannot reserve a negative amount: {dict(amounts)}")
        groups = self._groups.of(specs)
        if len(groups) != 1:
            return await self._reserve_several(reservation_id, groups, amounts, on_expiry, ttl_ms)
        answer = await self._reserve(reservation_id, groups[0], amounts, on_expiry, ttl_ms)
        verdict = answers.verdict(answer, specs)
        if verdict.granted:
            self._open.add(reservation_id, [self._opened(groups[0], verdict, ttl_ms)])
        return verdict

    async def _reserve(
        self, reservation_id: str, group: Group, amounts: Amounts, on_expiry: Amounts, ttl_ms: int
    ) -> Answer:
        def call(now_ms: int) -> bytes:
            return self._calls.reserve(
                group.home, reservation_id, group.specs, amounts, on_expiry, ttl_ms,
                now_ms, self._deciding.script_now(), self._looks,
            )  # fmt: skip

        try:
            answer = await self._deciding.decide(group.home, call)
        except (Unsure, asyncio.CancelledError):
            # It may have been admitted, and nobody will use it: as if it had been denied.
            self._cancel(reservation_id, group.home, bar=True)
            raise
        if answer.kind == "past":
            raise ValueError(f"reservation {reservation_id!r} is of the past; ids are used once")
        if answer.kind == "mistake":
            raise TypeError(f"a limit of another kind has the key of limit {answer.words[0].decode()} of this request")
        return answer

    async def _reserve_several(
        self, reservation_id: str, groups: Sequence[Group], amounts: Amounts, on_expiry: Amounts, ttl_ms: int
    ) -> Verdict:
        """Home by home, all or none. After a refusal the other homes are read, so that every limit has its say."""
        if not groups:
            return Verdict(granted=True, readings=())
        verdicts: list[Verdict] = []
        granted: list[tuple[Group, Verdict]] = []
        try:
            for group in groups:
                answer = await self._reserve(reservation_id, group, amounts, on_expiry, ttl_ms)
                verdicts.append(answers.verdict(answer, group.specs))
                if verdicts[-1].granted:
                    granted.append((group, verdicts[-1]))
        except BaseException:
            for group, _ in granted:
                self._cancel(reservation_id, group.home, bar=True)
            raise
        if len(granted) == len(groups):
            self._open.add(reservation_id, [self._opened(group, verdict, ttl_ms) for group, verdict in granted])
        else:
            for group, verdict in granted:
                self._cancel(reservation_id, group.home, bar=False)
                now = await self._peek(group)
                verdict.readings = tuple(
                    Reading(reading.spec, reading.remaining, reading.reset_ms, then.wait_ms)
                    for reading, then in zip(now, verdict.readings, strict=True)
                )
        return joined(verdicts, groups)

    def _opened(self, group: Group, verdict: Verdict, ttl_ms: int) -> Opened:
        return Opened(group.home, taken(group.specs, verdict), self._clock.now_ms() + ttl_ms)

    async def top_up(self, reservation_id: str, amounts: Amounts) -> Verdict:
        several = self._open.get(reservation_id)
        if not several:
            raise KeyError(reservation_id)
        if any(amount < 0 for amount in amounts.values()):
            raise ValueError(f"cannot top up a negative amount: {dict(amounts)}")
        verdicts = [await self._top_up(reservation_id, opened, amounts) for opened in several]
        return verdicts[0] if len(verdicts) == 1 else joined(verdicts)

    async def _top_up(self, reservation_id: str, opened: Opened, amounts: Amounts) -> Verdict:
        # A number of its own, so that one whose answer got lost is not taken twice.
        opened.top_ups += 1
        payload = self._calls.top_up(opened.home, reservation_id, opened.top_ups, amounts, self._deciding.script_now())
        answer = await self._deciding.decide(opened.home, lambda _now_ms: payload)
        if answer.kind == "gone":
            raise KeyError(reservation_id)
        return answers.verdict(answer, opened.specs)

    def settle(self, reservation_id: str, actual: Amounts) -> None:
        for opened in self._open.take(reservation_id):
            self._outbox.post(self._parcel(Settlement(opened.home, reservation_id, dict(actual))))

    def _cancel(self, reservation_id: str, home: str, *, bar: bool) -> None:
        payload = self._calls.cancel(home, reservation_id, self._deciding.script_now(), bar=bar)
        self._outbox.post(Parcel(self._deciding.slot(home), payload, Settlement(home, reservation_id)))

    def renew(self, reservation_ids: Iterable[str], ttl_ms: int) -> None:
        now_ms = self._clock.now_ms()
        by_home = self._open.renewed(reservation_ids, now_ms + ttl_ms)
        for home, ids in by_home.items():
            for first in range(0, len(ids), RENEW_AT_ONCE):
                self._renew(home, ids[first : first + RENEW_AT_ONCE], ttl_ms)
        for home in islice(self._open.overdue(now_ms) - by_home.keys(), OVERDUE_AT_ONCE):
            self._renew(home, [], ttl_ms)

    def _renew(self, home: str, ids: list[str], ttl_ms: int) -> None:
        payload = self._calls.renew(home, ids, ttl_ms, self._deciding.script_now(), self._looks)
        self._outbox.post(Parcel(self._deciding.slot(home), payload))

    async def peek(self, specs: Sequence[Spec]) -> tuple[Reading, ...]:
        readings: list[Reading | None] = [None] * len(specs)
        for group in self._groups.of(specs):
            for i, reading in zip(group.at, await self._peek(group), strict=True):
                readings[i] = reading
        return tuple(reading for reading in readings if reading is not None)

    async def _peek(self, group: Group) -> tuple[Reading, ...]:
        answer = await self._deciding.decide(
            group.home, lambda now_ms: self._calls.peek(group.home, group.specs, now_ms, self._deciding.script_now())
        )
        if answer.kind == "mistake":
            raise TypeError(f"a limit of another kind has the key of limit {answer.words[0].decode()} of these")
        return answers.verdict(answer, group.specs).readings

    async def held(self, limit: int = 1000) -> list[Held]:
        return await held(self.asking, self._calls, limit)

    async def verify(self) -> LedgerReport:
        return await verify(self.asking, self._calls)

    async def backup(self, path: Path) -> None:  # noqa: ARG002 - the contract's
        raise StoreUnavailable("redis: has no file; back up Redis itself", transient=False)

    async def close(self) -> None:
        await self._outbox.close(CLOSE_S)
        await self.asking.servers.close()
