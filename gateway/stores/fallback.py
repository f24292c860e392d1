"""What becomes of limits while a remote store does not answer, stated for each class of limit.

    closed   the request is refused (limiter_unavailable)
    local    this process counts alone, on its share of the limit; after `local_s` the class is closed, and so it is
             for a request that fits the limit but not the share
    open     the limit is not applied

Over-use is bounded: with R replicas and a share of 1/R, local limits admit at most what the limit allows beside what
the store had admitted before it was lost, so at most twice the limit in the window of the loss. What was used locally
is not charged to the store when it is back: rates have refilled by then, and money is closed unless it is set
otherwise. The store is asked first for every request; that this is cheap while it is down is its own breaker's doing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from gateway.core.clock import Clock
from gateway.core.ports import Events
from gateway.core.units import Amounts, Unit, shown
from gateway.engine.spec import DistinctSpec, RateSpec, SlotSpec, Spec
from gateway.engine.verdict import Held, Reading, Verdict
from gateway.stores.base import LedgerReport, Store, StoreUnavailable
from gateway.stores.memory import MemoryStore


class Stance(StrEnum):
    """What a class of limits does without its store."""

    CLOSED = "closed"
    LOCAL = "local"
    OPEN = "open"


class LimitClass(StrEnum):
    """Limits that are lost in the same way."""

    MONEY = "money"
    USE = "use"
    """Requests and tokens, rates and budgets alike."""
    CONCURRENCY = "concurrency"
    NEW = "new"
    """Distinct prompts and their output."""


def class_of(spec: Spec) -> LimitClass:
    if isinstance(spec, SlotSpec):
        return LimitClass.CONCURRENCY
    if isinstance(spec, DistinctSpec):
        return LimitClass.NEW
    return LimitClass.MONEY if spec.unit is Unit.USD else LimitClass.USE


@dataclass(frozen=True, slots=True)
class Loss:
    """How store loss is met. A local limit is `1 / replicas` of the whole one, at least 1."""

    stances: Mapping[LimitClass, Stance]
    replicas: int
    local_s: float


@lru_cache(maxsize=8192)
def share_of(spec: Spec, replicas: int) -> Spec:
    """The part of a limit that one of so many processes may use alone."""
    amount = max(1, spec.amount // replicas) if spec.amount else 0
    if isinstance(spec, RateSpec):
        return replace(spec, amount=amount, burst=max(1, spec.burst // replicas))
    return replace(spec, amount=amount)


class FallbackStore:
    """A remote store, and what each class of limits does while it is lost."""

    def __init__(self, remote: Store, loss: Loss, clock: Clock, events: Events) -> None:
        self.name = remote.name
        self._remote = remote
        self._loss = loss
        self._clock = clock
        self._events = events
        self._local = MemoryStore(clock, events)
        self._own: dict[str, None] = {}
        """Reservations that are held here, the oldest first."""
        self._lost_at: float | None = None

    @property
    def degraded(self) -> bool:
        return self._lost_at is not None or self._remote.degraded

    async def open(self) -> None:
        await self._remote.open()

    async def reserve(
        self, reservation_id: str, specs: Sequence[Spec], amounts: Amounts, on_expiry: Amounts, ttl_ms: int
    ) -> Verdict:
        try:
            verdict = await self._remote.reserve(reservation_id, specs, amounts, on_expiry, ttl_ms)
        except StoreUnavailable as error:
            return await self._alone(error, reservation_id, specs, amounts, on_expiry, ttl_ms)
        self._back()
        return verdict

    async def _alone(  # noqa: PLR0917 - the contract's order after the error
        self,
        error: StoreUnavailable,
        reservation_id: str,
        specs: Sequence[Spec],
        amounts: Amounts,
        on_expiry: Amounts,
        ttl_ms: int,
    ) -> Verdict:
        stances = [self._stance(spec, error) for spec in specs]
        if Stance.CLOSED in stances:
            raise error
        kept = [index for index, stance in enumerate(stances) if stance is Stance.LOCAL]
        shares = [share_of(specs[index], self._loss.replicas) for index in kept]
        verdict = await self._local.reserve(reservation_id, shares, amounts, on_expiry, ttl_ms)
        too_large = [specs[kept[index]] for index in verdict.failing if verdict.readings[index].wait_ms is None]
        if any(shown(spec.unit, amounts.get(spec.unit, 0)) <= _room(spec) for spec in too_large):
            raise error  # it fits the limit, only not this share of it: that is no mistake of the caller's
        if verdict.granted:
            self._own[reservation_id] = None
        return _over_all(specs, kept, verdict)

    def _stance(self, spec: Spec, error: StoreUnavailable) -> Stance:
        now = self._clock.monotonic()
        if self._lost_at is None:
            self._lost_at = now
            self._events.emit("store.lost", store=self.name, error=str(error))
        stance = self._loss.stances[class_of(spec)]
        if spec.shadow:
            return Stance.OPEN if stance is Stance.CLOSED else stance  # who only watches refuses nobody
        if stance is Stance.LOCAL and now - self._lost_at > self._loss.local_s:
            return Stance.CLOSED
        return stance

    def _back(self) -> None:
        if self._lost_at is not None:
            seconds = self._clock.monotonic() - self._lost_at
            self._lost_at = None
            self._events.emit("store.back", store=self.name, seconds=round(seconds, 1))

    async def top_up(self, reservation_id: str, amounts: Amounts) -> Verdict:
        store: Store = self._local if reservation_id in self._own else self._remote
        return await store.top_up(reservation_id, amounts)

    def settle(self, reservation_id: str, actual: Amounts) -> None:
        if reservation_id in self._own:
            del self._own[reservation_id]
            self._local.settle(reservation_id, actual)
        else:
            self._remote.settle(reservation_id, actual)

    def renew(self, reservation_ids: Iterable[str], ttl_ms: int) -> None:
        ids = list(reservation_ids)
        self._local.renew([one for one in ids if one in self._own], ttl_ms)
        self._remote.renew([one for one in ids if one not in self._own], ttl_ms)

    async def peek(self, specs: Sequence[Spec]) -> tuple[Reading, ...]:
        return await self._remote.peek(specs)

    async def held(self, limit: int = 1000) -> list[Held]:
        local = await self._local.held(limit)
        try:
            return [*local, *await self._remote.held(limit - len(local))]
        except StoreUnavailable:
            return local

    async def verify(self) -> LedgerReport:
        return await self._remote.verify()

    async def backup(self, path: Path) -> None:
        await self._remote.backup(path)

    async def close(self) -> None:
        await self._remote.close()


def _room(spec: Spec) -> int:
    """What the largest request that ever fits may need."""
    return spec.burst if isinstance(spec, RateSpec) else spec.amount


def _over_all(specs: Sequence[Spec], kept: Sequence[int], local: Verdict) -> Verdict:
    """A verdict on the local shares as one on all limits; what is open shows as untouched."""
    readings = [Reading(spec, _room(spec), 0, 0) for spec in specs]
    for index, reading in zip(kept, local.readings, strict=True):
        # Told in the caller's own limit, so that its size does not seem to change.
        readings[index] = Reading(specs[index], reading.remaining, reading.reset_ms, reading.wait_ms)
    return Verdict(
        local.granted,
        tuple(readings),
        tuple(kept[index] for index in local.failing),
        tuple(kept[index] for index in local.shadow_failing),
        fallback=True,
    )
