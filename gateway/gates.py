"""The second tier of limits: those of the key that the gateway has at an upstream.

The caller's own limits come first and stay as they are. Then, right before each attempt, those of the upstream that was
picked are reserved, in one call under an id of the attempt. Without room the upstream is passed over. What an attempt
without an answer did not use is given back at once; the attempt that was answered settles with the exchange.
"""

from dataclasses import dataclass

from gateway.accounting.outcome import Outcome
from gateway.accounting.settlement import Reach, Seen, settlement
from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.core.units import Amounts, Unit
from gateway.engine.spec import Spec
from gateway.engine.verdict import Verdict
from gateway.exchange import Exchange
from gateway.policy.upstream_limits import UpstreamLimits
from gateway.scales import Scales
from gateway.stores.base import StoreUnavailable
from gateway.upstreams.gate import Left


@dataclass(frozen=True, slots=True)
class Gates:
    """Makes the gate of each exchange that needs one."""

    scales: Scales
    limits: UpstreamLimits

    def of(self, x: Exchange) -> "ExchangeGate | None":
        """None where no upstream of the model has limits."""
        return ExchangeGate(self.scales, self.limits, x) if self.limits.any_of(x.upstreams) else None

    def settle(self, x: Exchange) -> None:
        """The upstream that answered: replace what was reserved by what the exchange showed. Never suspends."""
        hold, x.upstream_hold = x.upstream_hold, ""
        if hold and x.settlement is not None:
            self.scales.store.settle(hold, x.settlement.amounts)


@dataclass(slots=True)
class ExchangeGate:
    """See upstreams/gate.py. One attempt is under way at a time, so there is one hold at a time: `x.upstream_hold`."""

    scales: Scales
    limits: UpstreamLimits
    x: Exchange
    entered: int = 0

    async def enter(self, upstream: str) -> Refusal | None:
        x = self.x
        assert x.model is not None
        specs = self.limits.specs(upstream, x.model)
        if not specs:
            return None
        if x.prices is None and any(spec.unit is Unit.USD for spec in specs):
            return Refusal(reasons.PRICE_UNKNOWN, f"the model '{x.model.id}' has no price, so that it cannot be asked")
        self.entered += 1
        hold = f"{x.id}@{upstream}#{self.entered}"
        began = self.scales.clock.monotonic()
        try:
            verdict = await self._take(hold, specs)
        except StoreUnavailable:
            return Refusal(reasons.LIMITER_UNAVAILABLE, "usage limits cannot be checked right now", retry_after_ms=1000)
        finally:
            # The pipeline counts all of forwarding as time spent waiting for an upstream. This was our own.
            x.waited_s -= self.scales.clock.monotonic() - began
        if verdict.fallback:
            x.notes["x-gateway-limits"] = "fallback"
        if not verdict.granted:
            return _no_room(verdict)
        x.upstream_hold = hold
        return None

    async def _take(self, hold: str, specs: tuple[Spec, ...]) -> Verdict:
        assert self.x.reservation is not None
        return await self.scales.take(hold, specs, self.x.reservation)

    def leave(self, left: Left) -> None:
        hold, self.x.upstream_hold = self.x.upstream_hold, ""
        if hold:
            self.scales.store.settle(hold, self._used(left))

    def _used(self, left: Left) -> Amounts:
        """A provider counts a request that it refused, and may have read the input of one that it never answered."""
        assert self.x.reservation is not None
        if left is Left.UNTOUCHED:
            return {}
        outcome = Outcome.UPSTREAM_REJECTED if left is Left.REFUSED else Outcome.CLIENT_GONE
        return settlement(outcome, self.x.reservation, self.x.prices, Seen(Reach.SENT)).amounts


def _no_room(verdict: Verdict) -> Refusal:
    """How much a provider gives us is not told."""
    waits = [verdict.readings[index].wait_ms for index in verdict.failing]
    known = [wait for wait in waits if wait is not None]
    if len(known) < len(waits):
        message = "the request is larger than its model server ever takes at once"
        return Refusal(reasons.REQUEST_EXCEEDS_LIMIT, message)
    return Refusal(reasons.UPSTREAM_BUSY, "the model server is busy; try again shortly", retry_after_ms=max(known))
