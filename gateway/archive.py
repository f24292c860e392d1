"""The last phase: one exchange becomes counts and one decision record. Content never comes here."""

from collections.abc import Sequence
from typing import Final

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.units import Unit, shown
from gateway.engine.verdict import Verdict
from gateway.exchange import Exchange
from gateway.observe.metrics import Metrics
from gateway.observe.records import MAX_LIST, LimitRecord, keep
from gateway.observe.sinks import Sink
from gateway.per_plan import PerPlan, Plans
from gateway.policy.finding import Finding
from gateway.policy.output.finding import OutputFinding
from gateway.record_of import abort_phase, first_byte_s, overhead_s, record_of

_NONE: Final = "none"


class Archive:
    """Counts and records finished exchanges."""

    def __init__(self, metrics: Metrics, sink: Sink) -> None:
        self.metrics = metrics
        self._sink = sink
        self._plans = Plans(metrics)

    def record(self, x: Exchange, now: float) -> None:
        """Write down a finished exchange; called once for each."""
        plan = None
        if x.plan is not None and x.principal is not None and x.model is not None:
            plan = self._plans.of(x.plan, x.principal.account, x.model)
        findings = _findings(x)
        self._count(x, plan, findings, now)
        record = record_of(x, plan, findings, now)
        if plan is not None and x.verdict is not None:
            record.limits = self._limits(x, plan, x.verdict)
        self._sink.emit(keep(record))

    def _count(self, x: Exchange, plan: PerPlan | None, findings: Sequence[Finding], now: float) -> None:
        metrics = self.metrics
        model = x.model.id if x.model is not None else _NONE
        outcome = x.outcome or Outcome.INTERNAL_ERROR
        metrics.request_done(
            x.route,
            model,
            outcome,
            stream=x.ask is not None and x.ask.stream,
            duration_s=now - x.started_at,
            overhead_s=overhead_s(x, now),
            ttfb_s=first_byte_s(x),
        )
        if x.refusal is not None:
            metrics.refused(x.route, x.refusal.reason.code)
        if outcome is Outcome.CLIENT_GONE:
            metrics.client_gone(abort_phase(x))
        if x.headers.get("x-stainless-retry-count", "0") != "0":
            metrics.retry_observed()
        settled, reserved = x.settlement, x.reservation
        if settled is not None and reserved is not None:
            spent = settled.usage
            metrics.tokens(model, spent, settled.cost_nano_usd)
            adjustment = spent.total_tokens - reserved.amounts.get(Unit.TOTAL_TOKENS, 0)
            metrics.settled(outcome, estimated=spent.estimated, adjustment_tokens=adjustment)
        if x.principal is not None:
            metrics.account(x.principal.account.id, settled.usage if settled is not None else None, x.started_ms)
        if x.marking is not None and x.marking.result is not None:
            metrics.marked(x.marking.result, x.marking.skip or "none")
        if x.forwarded is not None:
            metrics.upstream_done(x.forwarded.upstream, now - x.sent_at)
        self._count_policies(x, plan, findings)

    def _count_policies(self, x: Exchange, plan: PerPlan | None, findings: Sequence[Finding]) -> None:
        metrics = self.metrics
        denier = x.refusal.details.get("policy") if x.refusal is not None else None
        if denier is not None and x.refusal is not None:
            rule = (denier, x.refusal.details.get("rule"), "enforce")
            # A rule's refusal is among the findings: it is counted there, as what it is.
            if all((finding.policy_id, finding.rule, finding.mode) != rule for finding in findings):
                metrics.decision(str(denier), "deny", "enforce", x.refusal.reason.code)
        elif plan is not None:
            for counter in self._plans.allowed(plan):
                counter.value += 1
        for finding in findings:
            metrics.decision(finding.policy_id, finding.action, finding.mode, finding.reason)
        for found in x.output_findings:
            _count_output(metrics, found)

    def _limits(self, x: Exchange, plan: PerPlan, verdict: Verdict) -> tuple[LimitRecord, ...]:
        """Each limit that was touched, counted and recorded in one go: a request has a dozen."""
        limits = self._plans.limits(plan)
        reserved = (x.reservation.amounts if x.reservation is not None else {}).get
        records = []
        for (policy, name, word, unit, mode, size, fills), reading in zip(limits, verdict.readings, strict=False):
            remaining = reading.remaining
            fills((size - remaining) / size if size > 0 else 1.0)
            records.append(LimitRecord(policy, name, word, reserved(unit, 0), remaining, False, mode))
        for index in plan.named:
            if index < len(records):
                records[index].reserved = shown(limits[index].counted, records[index].reserved)
        for index in verdict.failing + verdict.shadow_failing:
            records[index].failing = True
        return tuple(records[:MAX_LIST])


def _count_output(metrics: Metrics, found: OutputFinding) -> None:
    """A rule on answers that found something or could not look. The one that ended the answer is the refusal's."""
    rule = found.rule
    if found.state == "not_evaluated":
        metrics.decision(rule.policy_id, found.state, rule.mode, reasons.NOT_EVALUATED)
    elif found.state == "matched" and not found.ended:
        stops = rule.action == "stop"
        reason = reasons.OUTPUT_DENIED.code if stops else reasons.ACTIONS["flag"]
        metrics.decision(rule.policy_id, "deny" if stops else "flag", rule.mode, reason)


def _findings(x: Exchange) -> list[Finding]:
    """What rules did, and what audit-mode policies would have done to this request."""
    if x.plan is None or x.verdict is None or not x.verdict.shadow_failing:
        return x.findings
    return [*x.findings, *x.plan.shadow_findings(x.verdict.shadow_failing)]
