"""The scales and the ledger of one exchange: what it reserves, tops up and in the end pays.

All limits are reserved together or not at all, and whatever was reserved is settled once. See docs/quotas.md.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from gateway.accounting import amounts
from gateway.accounting.amounts import OutputMode, Work
from gateway.accounting.estimate import Estimator
from gateway.accounting.outcome import Outcome
from gateway.accounting.settlement import Reach, Seen, fits, settlement
from gateway.core import reasons
from gateway.core.clock import Clock
from gateway.core.prompts import fingerprint
from gateway.core.refusal import Refusal
from gateway.core.units import Unit
from gateway.core.usage import Usage
from gateway.engine.spec import Spec
from gateway.engine.verdict import Verdict
from gateway.exchange import Exchange
from gateway.observe.metrics import Metrics
from gateway.policy.refuse import refuse
from gateway.stores.base import Store, StoreUnavailable

TOP_UP_TOKENS: Final = 1024
"""Output tokens that a stream without a cap adds to its reservation at a time."""

_WORK: Final = {"embeddings": Work.EMBED, "count_tokens": Work.COUNT}


@dataclass(slots=True)
class Scales:
    """Weighs exchanges against their limits. The only one that talks to the store about a request."""

    store: Store
    estimator: Estimator
    metrics: Metrics
    clock: Clock
    ttl_ms: int
    output_mode: OutputMode
    prompt_key: bytes
    """Of the prompts' fingerprints; the same for all processes that share a store."""

    async def reserve(self, x: Exchange) -> Refusal | None:
        """One batched reserve over all limits, all or nothing; on a refusal nothing was changed."""
        assert x.plan is not None
        assert x.ask is not None
        assert x.model is not None
        plan = x.plan
        ask = x.ask
        cap = held_cap = _tighter_cap(x)
        if plan.one_prompt and ask.prompts > 1:
            message = "this account's limits count distinct prompts: expected one prompt in a request"
            return Refusal(reasons.UNSUPPORTED_FIELD, message, param="prompt")
        if plan.counts_prompts:
            # A turn without text (pictures, token ids) cannot be known again, so that each counts as new.
            x.prompt = fingerprint(ask.last_user_text or x.id, self.prompt_key)
        try:
            verdict = await self._reserve(x, cap)
            if not verdict.granted and plan.has_money and ask.output_cap is None:
                # The worst case does not fit the money that is left, but perhaps a shorter answer does.
                payable = self._payable_cap(x, verdict)
                if payable is not None:
                    held_cap = payable
                    verdict = await self._reserve(x, payable)
        except StoreUnavailable:
            return Refusal(reasons.LIMITER_UNAVAILABLE, "usage limits cannot be checked right now", retry_after_ms=1000)
        x.verdict = verdict
        x.readings = verdict.readings
        if verdict.fallback:
            x.notes["x-gateway-limits"] = "fallback"
        if not verdict.granted:
            wanted, x.reservation = x.reservation, None
            return refuse(plan, verdict, wanted.amounts if wanted is not None else {}, self.clock.now_ms())
        if plan.has_money and ask.output_cap is None and not ask.stream:
            # Nobody can stop a non-stream call half way, so that it must not be able to cost more than was held.
            cap = amounts.output_ceiling(ask, x.model, held_cap)
        if cap is not None:
            x.output_cap = cap
            x.notes["x-gateway-output-cap"] = str(cap)
        # Where a cap holds, the upstream keeps to it: an over-estimate of ours must not cut the answer.
        capped = ask.output_cap is not None or (cap is not None and cap == held_cap)
        x.pays_as_it_goes = bool(plan.specs) and ask.stream and not capped
        return None

    async def _reserve(self, x: Exchange, cap: int | None) -> Verdict:
        assert x.plan is not None
        assert x.ask is not None
        assert x.model is not None
        assert x.dialect is not None
        work = _WORK.get(x.dialect.name, Work.GENERATE)
        wanted = amounts.reservation(
            x.ask, x.model, x.prices, self.estimator, work=work, output_cap=cap, mode=self.output_mode, prompt=x.prompt
        )
        x.reservation = wanted
        x.paid_output = wanted.output_tokens
        if not x.plan.specs:
            return Verdict(granted=True, readings=())
        try:
            return await self.take(x.id, x.plan.specs, wanted)
        except StoreUnavailable:
            x.reservation = None
            raise

    async def take(self, reservation_id: str, specs: Sequence[Spec], wanted: amounts.Reservation) -> Verdict:
        """One reserve, counted and timed. Raises StoreUnavailable."""
        began = self.clock.monotonic()
        try:
            verdict = await self.store.reserve(reservation_id, specs, wanted.amounts, wanted.on_expiry, self.ttl_ms)
        except StoreUnavailable:
            self.metrics.store_call("reserve", "unavailable", self.clock.monotonic() - began)
            raise
        outcome = "granted" if verdict.granted else "denied"
        self.metrics.store_call("reserve", outcome, self.clock.monotonic() - began)
        return verdict

    def _payable_cap(self, x: Exchange, verdict: Verdict) -> int | None:
        """The output cap that the tightest money budget can pay; None when money is not what failed.

        Where it can pay no answer worth having, the smallest such answer is asked for all the same: the wait of
        that one is the truth to tell, not the wait of a worst case that nobody insists on.
        """
        assert x.ask is not None
        assert x.model is not None
        assert x.prices is not None
        assert x.reservation is not None
        failing = [verdict.readings[index] for index in verdict.failing]
        left = min((reading.remaining for reading in failing if reading.spec.unit is Unit.USD), default=None)
        if left is None:
            return None
        ceiling = amounts.output_ceiling(x.ask, x.model, _tighter_cap(x))
        payable = amounts.affordable_output(x.prices, x.reservation.input_tokens, left, ceiling, x.ask.choices)
        return min(amounts.MIN_AFFORDABLE_OUTPUT, ceiling) if payable is None else payable

    async def read(self, x: Exchange) -> None:
        """Where the limits stand, for a refusal that never came to a reserve."""
        if x.plan is None or not x.plan.specs or x.readings:
            return
        with suppress(StoreUnavailable):
            x.readings = await self.store.peek(x.plan.specs)

    def paid(self, x: Exchange) -> bool:
        """Whether the output so far is paid for: where it is, `pay_for` has nothing to do."""
        assert x.model is not None
        assert x.meter is not None
        seen = self.estimator.output_tokens(x.model.id, x.meter.text_bytes, x.meter.delta_events)
        return seen <= x.paid_output

    async def pay_for(self, x: Exchange) -> bool:
        """For a stream that `pays_as_it_goes`: whether the output so far is paid for; False ends it."""
        assert x.model is not None
        assert x.meter is not None
        seen = self.estimator.output_tokens(x.model.id, x.meter.text_bytes, x.meter.delta_events)
        while seen > x.paid_output:
            more = amounts.top_up(x.prices, TOP_UP_TOKENS)
            try:
                verdict = await self.store.top_up(x.id, more)
            except (StoreUnavailable, KeyError):
                return False  # KeyError: it expired under us, so that nothing holds the budget any more
            if not verdict.granted:
                return False
            x.paid_output += TOP_UP_TOKENS
            if x.upstream_hold:
                # The limits of the upstream's key never end a stream: what has no room is debited when it settles.
                with suppress(StoreUnavailable, KeyError):
                    await self.store.top_up(x.upstream_hold, more)
        return True

    def settle(self, x: Exchange, outcome: Outcome) -> None:
        """Replace what was reserved by what the answer showed, and learn from it. Never suspends."""
        assert x.model is not None
        assert x.ask is not None
        assert x.reservation is not None
        seen, text_bytes = self._seen(x)
        x.settlement = settlement(outcome, x.reservation, x.prices, seen)
        if x.plan is not None and x.plan.specs:
            self.store.settle(x.id, x.settlement.amounts)
        if outcome is Outcome.COMPLETE and seen.reported is not None and not x.settlement.contradicted:
            self.estimator.learn(x.model.id, x.ask, x.settlement.usage, text_bytes)

    def _seen(self, x: Exchange) -> tuple[Seen, int | None]:
        """What the answer showed: reported usage, and output counted from its text; text in UTF-8 bytes.

        Text is looked for where that can make a difference: of most answers the usage says it all, and it fits, even
        if every byte were text. The estimator learns from some of them.
        """
        assert x.model is not None
        assert x.dialect is not None
        if x.forwarded is None:
            return Seen(Reach.SENT if x.sent_at else Reach.UNSENT), 0
        estimator, model_id = self.estimator, x.model.id
        if x.meter is not None:
            reported, text_bytes = _of_all_choices(x, x.meter.usage), x.meter.text_bytes
            counted = estimator.output_tokens(model_id, text_bytes, x.meter.delta_events)
            return Seen(Reach.ANSWERED, reported, counted, x.meter.finished), text_bytes
        reported = _of_all_choices(x, x.dialect.usage(x.answer))
        most = estimator.output_tokens(model_id, len(x.answer), 0)
        if reported is not None and fits(reported, most) and not estimator.wants_text(model_id):
            return Seen(Reach.ANSWERED, reported, ended=True), None
        text_bytes = x.dialect.output_bytes(x.answer)
        counted = estimator.output_tokens(model_id, text_bytes, 0)
        return Seen(Reach.ANSWERED, reported, counted, bool(x.answer)), text_bytes


def _tighter_cap(x: Exchange) -> int | None:
    """The policies' output cap when it is below what the caller (or the model) would allow anyway."""
    assert x.plan is not None
    assert x.ask is not None
    assert x.model is not None
    cap = x.plan.output_cap
    if x.rule_cap is not None and (cap is None or x.rule_cap < cap):
        cap = x.rule_cap
    return cap if cap is not None and cap < amounts.output_ceiling(x.ask, x.model) else None


def _of_all_choices(x: Exchange, reported: Usage | None) -> Usage | None:
    """llama.cpp reports the usage of one choice, and of one prompt, however many it answered: only a lower bound."""
    assert x.ask is not None
    assert x.forwarded is not None
    assert x.reservation is not None
    if reported is None or x.ask.choices == 1 or x.forwarded.settings.kind != "llamacpp":
        return reported
    read = reported.input_tokens
    if x.ask.prompts > 1:
        read = max(read, x.reservation.input_tokens)
    return replace(reported, input_tokens=read, estimated=True)
