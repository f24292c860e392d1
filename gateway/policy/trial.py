"""One case against the real thing: compiled policies, the plan, and a ledger on a clock that the case sets."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Final, Literal

from gateway.core import reasons
from gateway.core.account import Account, Principal
from gateway.core.ask import Ask
from gateway.core.clock import ManualClock
from gateway.core.model import Model
from gateway.core.refusal import Refusal
from gateway.engine.verdict import Reading
from gateway.policy.bound_limit import BoundLimit
from gateway.policy.case_facts import ask_of, model_of, needed_by, read_body, used_by
from gateway.policy.cases import Case, CaseEvent, CaseModel
from gateway.policy.compile import PolicySet
from gateway.policy.explain.survey import PolicySaid, survey
from gateway.policy.finding import Finding
from gateway.policy.inquiry import Inquiry
from gateway.policy.mark_plan import MarkPlan
from gateway.policy.output.finding import OutputFinding
from gateway.policy.output.watch import OutputWatch
from gateway.policy.plan import Plan
from gateway.policy.recent import Recent
from gateway.policy.refuse import refuse
from gateway.policy.ruling import Ruling
from gateway.policy.sample import SPEAKERS
from gateway.policy.situation import Situation
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
    delay_s: int = 0
    reduced: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    answer: Literal["whole", "stopped", "none"] = "none"
    """Whether an output rule ended it; none where none was given, or none came."""
    watermark: MarkPlan | None = None
    watermark_audit: MarkPlan | None = None
    survey: tuple[PolicySaid, ...] = ()
    """What every policy said, for whoever asks why the case failed."""
    faults: list[str] = field(default_factory=list)


def run_case(case: Case, policies: PolicySet, models: Mapping[str, CaseModel]) -> Outcome:
    """Play the history, then the request."""
    return asyncio.run(_Trial(case, policies, models).run())


class _Trial:
    def __init__(self, case: Case, policies: PolicySet, models: Mapping[str, CaseModel]) -> None:
        given = case.given.account
        self.case = case
        self.policies = policies
        self.case_models = models
        self.models = {name: model_of(name, entry) for name, entry in models.items()}
        self.account = Account(
            id=given.id,
            org=given.org or given.id,
            tier=given.tier,
            country=given.country,
            verified=given.verified,
            declared_purpose=given.declared_purpose,
            tags=frozenset(given.tags),
            created_ms=0 if given.age is None else case.at - given.age * 1000,
            owner_country=given.owner_country,
            attested_age=given.attested_age,
            standing=given.standing,
            standing_until_ms=case.at + OPEN_TTL_MS,
        )
        self.recent = Recent()
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
            fault = await self._play(event, f"history-{index}-{time}")
            if fault:
                outcome.faults.append(f"history[{index}]: {fault}")
                return outcome
        self._go_to(self.case.at)
        await self._ask(outcome)
        return outcome

    def _go_to(self, at_ms: int) -> None:
        self.clock.advance((at_ms - self.clock.now_ms()) / 1000)

    def _account(self, account_id: str) -> Account:
        """The same object for the same id, as a directory would hand it out."""
        return self.accounts.setdefault(account_id, replace(self.account, id=account_id))

    def _plan(self, principal: Principal, model: str) -> tuple[Plan, Model]:
        known = self.models.setdefault(model, model_of(model, CaseModel()))
        return self.policies.plan(principal, self.case.given.dialect, known, self.clock.now_ms()), known

    def _kind(self, model: Model) -> str:
        """What serves the model: it decides which fields are taken, and how a request is reduced."""
        return self.case_models.get(model.id, CaseModel()).kind

    async def _play(self, event: CaseEvent, name: str) -> str:
        """Let an earlier request happen; why it cannot have happened, or nothing.

        One that rules refuse counts for their shares and goes no further: that is how an account gets there.
        """
        given = self.case.given
        account = self._account(event.account or self.account.id)
        principal = Principal(account, event.key or given.key)
        plan, model = self._plan(principal, event.model or given.model)
        if event.request is not None:
            try:
                ask = read_body(event.request, given.dialect, model, self._kind(model))
            except ValueError as error:
                return f"request: {error}"
            inquiry = self._inquiry(principal, model, ask)
            ruling = plan.judge(inquiry)
            ruling.count()
            if plan.check(ask) is not None or ruling.refusal is not None:
                return ""
            plan.judge_late(inquiry).count()
        amounts = used_by(event.amounts, event.prompt or name)
        verdict = await self.store.reserve(name, plan.specs, amounts, amounts, OPEN_TTL_MS)
        if not verdict.granted:
            return "the policies under test refuse it"
        self.recent.of(account.id).remember(plan.limits, verdict.readings, self.clock.now_ms())
        if not event.open:
            self.store.settle(name, amounts)
        return ""

    async def _ask(self, outcome: Outcome) -> None:
        """The request of the case, through everything that a gateway asks, in its order."""
        given = self.case.given
        principal = Principal(self.account, given.key)
        plan, model = self._plan(principal, given.model)
        try:
            ask = ask_of(given, model, self._kind(model))
        except ValueError as error:
            outcome.faults.append(f"given: {error}")
            return
        inquiry = self._inquiry(principal, model, ask)
        outcome.survey = survey(self.policies, inquiry)
        outcome.output_cap = plan.output_cap
        outcome.watermark, outcome.watermark_audit = plan.watermark, plan.watermark_audit
        outcome.findings = plan.findings(ask)
        outcome.refusal = plan.check(ask)
        if outcome.refusal is None and plan.has_money and model.prices is None:
            outcome.refusal = Refusal(reasons.PRICE_UNKNOWN, f"the model '{model.id}' has no price")
        if outcome.refusal is None:
            self._act(outcome, plan.judge(inquiry), ask, self._kind(model))
        if outcome.refusal is None:
            await self._reserve(outcome, plan, ask, model)
        if outcome.refusal is None:
            outcome.findings += plan.judge_late(inquiry).findings
            self._answer(outcome, plan)
        else:
            outcome.findings += plan.unasked()

    async def _reserve(self, outcome: Outcome, plan: Plan, ask: Ask, model: Model) -> None:
        amounts = needed_by(self.case.given.ask, ask, model, outcome.output_cap)
        verdict = await self.store.reserve("case", plan.specs, amounts, amounts, OPEN_TTL_MS)
        outcome.readings = tuple(zip(plan.limits, verdict.readings, strict=True))
        outcome.findings += plan.shadow_findings(verdict.shadow_failing)
        if not verdict.granted:
            outcome.refusal = refuse(plan, verdict, amounts, self.clock.now_ms())

    def _inquiry(self, principal: Principal, model: Model, ask: Ask) -> Inquiry:
        given, speaks = self.case.given, SPEAKERS[self.case.given.dialect]
        return Inquiry(
            here=Situation(principal, given.dialect, model, self.clock.now_ms()),
            ask=ask,
            read_texts=lambda: speaks.texts(ask.body),
            read_parameters=lambda: speaks.parameters(ask),
            headers={name.lower(): value for name, value in given.headers.items()},
            read_address=lambda: ip_address(given.address) if given.address else None,
            country_of=lambda _: given.client_country,
            memory=self.recent.of(principal.account.id),
            index=self.policies.index,
        )

    def _act(self, outcome: Outcome, ruling: Ruling, ask: Ask, kind: str) -> None:
        """What a gateway would do about the request."""
        outcome.findings += ruling.findings
        outcome.delay_s, outcome.tags, outcome.refusal = ruling.delay_s, tuple(ruling.tags), ruling.refusal
        wanted = ruling.reductions
        if wanted is None or outcome.refusal is not None:
            return
        names = wanted.apply(ask, SPEAKERS[self.case.given.dialect], {kind})
        if isinstance(names, Refusal):
            outcome.refusal = names
            return
        outcome.reduced = names
        caps = [cap for cap in (outcome.output_cap, wanted.max_output_tokens) if cap is not None]
        outcome.output_cap = min(caps, default=None)

    def _answer(self, outcome: Outcome, plan: Plan) -> None:
        """The answer, piece by piece, under the output rules."""
        if not self.case.given.answer:
            return
        outcome.answer = "whole"
        if plan.output is None:
            return
        watch = OutputWatch(plan.output)
        for piece in self.case.given.answer:
            watch.feed(0, piece)
            if watch.broken is not None:
                break
        else:
            watch.finish()
        outcome.answer = "whole" if watch.broken is None else "stopped"
        outcome.findings += [_output_finding(found) for found in watch.findings() if found.state != "clear"]


def _output_finding(found: OutputFinding) -> Finding:
    rule = found.rule
    action = rule.action if found.state == "matched" else found.state
    return Finding(rule.policy_id, rule.rule, rule.mode, found.state, action)
