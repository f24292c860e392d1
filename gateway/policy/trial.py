"""One case against the real thing: compiled policies, the plan, and a ledger on a clock that the case sets."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.core import reasons
from gateway.core.account import Account, Principal
from gateway.core.ask import Ask
from gateway.core.clock import ManualClock
from gateway.core.model import Model, Prices
from gateway.core.refusal import Refusal
from gateway.core.units import Unit, prompt_amount
from gateway.engine.verdict import Reading
from gateway.policy.cases import Case, CaseAsk, CaseEvent, CaseModel, CasePrices, CaseUse
from gateway.policy.compile import PolicySet
from gateway.policy.plan import BoundLimit, Finding, Plan
from gateway.policy.refuse import refuse
from gateway.stores.memory import MemoryStore

OPEN_TTL_MS: Final = 30 * 86_400_000
"""Long enough that a request which a case calls open still is."""


@dataclass(slots=True)
class Outcome:
    """What came of a case. `faults` are reasons why the case itself could not be set up."""

    refusal: Refusal | None = None
    output_cap: int | None = None
    readings: tuple[tuple[BoundLimit, Reading], ...] = ()
    findings: list[Finding] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def run_case(case: Case, policies: PolicySet, models: Mapping[str, CaseModel]) -> Outcome:
    """Play the history, then the request."""
    return asyncio.run(_Trial(case, policies, models).run())


class _Trial:
    def __init__(self, case: Case, policies: PolicySet, models: Mapping[str, CaseModel]) -> None:
        given = case.given.account
        self.case = case
        self.policies = policies
        self.models = {name: _model(name, entry) for name, entry in models.items()}
        self.account = Account(
            id=given.id,
            org=given.org or given.id,
            tier=given.tier,
            country=given.country,
            verified=given.verified,
            declared_purpose=given.declared_purpose,
            tags=frozenset(given.tags),
        )
        self.accounts = {self.account.id: self.account}
        self.uses = sorted(
            (at_ms, index, time)
            for index, event in enumerate(case.given.history)
            for time, at_ms in enumerate(self._when(event))
        )
        self.clock = ManualClock(min([case.at, *(at_ms for at_ms, _, _ in self.uses)]))
        self.store = MemoryStore(self.clock)

    def _when(self, event: CaseEvent) -> list[int]:
        start = self.case.at - (event.ago or 0) * 1000 if event.at is None else event.at
        return [start + time * (event.every or 0) * 1000 for time in range(event.times)]

    async def run(self) -> Outcome:
        outcome = Outcome()
        for at_ms, index, time in self.uses:
            event = self.case.given.history[index]
            if (event.ago is None) == (event.at is None) or at_ms > self.case.at:
                outcome.faults.append(f"history[{index}]: expected either `ago` or `at`, and no use after the case")
                return outcome
            self._go_to(at_ms)
            if not await self._play(event, f"history-{index}-{time}"):
                outcome.faults.append(f"history[{index}]: the policies under test refuse it")
                return outcome
        self._go_to(self.case.at)
        await self._ask(outcome)
        return outcome

    def _go_to(self, at_ms: int) -> None:
        self.clock.advance((at_ms - self.clock.now_ms()) / 1000)

    def _account(self, account_id: str) -> Account:
        """The same object for the same id, as a directory would hand it out."""
        return self.accounts.setdefault(account_id, replace(self.account, id=account_id))

    def _plan(self, account: Account, key: str, model: str) -> tuple[Plan, Model]:
        known = self.models.setdefault(model, _model(model, CaseModel()))
        principal = Principal(account, key)
        return self.policies.plan(principal, self.case.given.dialect, known, self.clock.now_ms()), known

    async def _play(self, event: CaseEvent, name: str) -> bool:
        given = self.case.given
        account = self._account(event.account or self.account.id)
        plan, _ = self._plan(account, event.key or given.key, event.model or given.model)
        amounts = _used(event.amounts, event.prompt or name)
        verdict = await self.store.reserve(name, plan.specs, amounts, amounts, OPEN_TTL_MS)
        if verdict.granted and not event.open:
            self.store.settle(name, amounts)
        return verdict.granted

    async def _ask(self, outcome: Outcome) -> None:
        given = self.case.given
        plan, model = self._plan(self.account, given.key, given.model)
        ask = _ask(given.ask, given.model)
        outcome.output_cap = plan.output_cap
        outcome.findings = plan.findings(ask)
        outcome.refusal = plan.check(ask)
        if outcome.refusal is None and plan.has_money and model.prices is None:
            outcome.refusal = Refusal(reasons.PRICE_UNKNOWN, f"the model '{model.id}' has no price")
        if outcome.refusal is not None:
            return
        amounts = _needed(given.ask, model, plan.output_cap)
        verdict = await self.store.reserve("case", plan.specs, amounts, amounts, OPEN_TTL_MS)
        outcome.readings = tuple(zip(plan.limits, verdict.readings, strict=True))
        outcome.findings += plan.shadow_findings(verdict.shadow_failing)
        if not verdict.granted:
            outcome.refusal = refuse(plan, verdict, amounts, self.clock.now_ms())


def _model(name: str, entry: CaseModel) -> Model:
    prices = None if entry.prices is None else _prices(entry.prices)
    return Model(name, name, ("case",), entry.context, entry.max_output, prices, tuple(entry.aliases))


def _prices(entry: CasePrices) -> Prices:
    # Dollars per million tokens are a thousand times as many nano-dollars per token.
    each = {name: -(-value // 1_000_000) for name, value in entry}
    return Prices(input=each["input"], output=each["output"], cache_read=each["input"], cache_write=each["input"])


def _ask(given: CaseAsk, model: str) -> Ask:
    return Ask(
        body={},
        model=model,
        stream=False,
        prompt_bytes=given.prompt_tokens * 4,
        output_cap=given.max_tokens,
        choices=given.n,
        logprobs=given.logprobs,
    )


def _fingerprint(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def _used(use: CaseUse, prompt: str) -> dict[Unit, int]:
    total = use.input_tokens + use.output_tokens if use.total_tokens is None else use.total_tokens
    return {
        Unit.REQUESTS: use.requests,
        Unit.INPUT_TOKENS: use.input_tokens,
        Unit.OUTPUT_TOKENS: use.output_tokens,
        Unit.TOTAL_TOKENS: total,
        Unit.USD: use.usd or 0,
        Unit.REASONING_TOKENS: use.reasoning_tokens,
        Unit.LOGPROB_REQUESTS: use.logprob_requests,
        Unit.DISTINCT_PROMPTS: prompt_amount(_fingerprint(prompt)),
        Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(_fingerprint(prompt), use.output_tokens),
    }


def _needed(ask: CaseAsk, model: Model, output_cap: int | None) -> dict[Unit, int]:
    """The worst case of the request, which is what money reserves."""
    caps = [cap for cap in (ask.max_tokens or model.max_output, output_cap) if cap is not None]
    output = min(caps) * ask.n
    prices = model.prices
    return {
        Unit.REQUESTS: 1,
        Unit.INPUT_TOKENS: ask.prompt_tokens,
        Unit.OUTPUT_TOKENS: output,
        Unit.TOTAL_TOKENS: ask.prompt_tokens + output,
        Unit.REASONING_TOKENS: min(1, output),
        Unit.LOGPROB_REQUESTS: int(ask.logprobs),
        Unit.DISTINCT_PROMPTS: prompt_amount(_fingerprint(ask.prompt)),
        Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(_fingerprint(ask.prompt), output),
        Unit.USD: 0 if prices is None else ask.prompt_tokens * prices.input + output * prices.output,
    }
