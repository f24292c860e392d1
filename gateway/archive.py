"""The last phase: one exchange becomes counts and one decision record. Content never comes here."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.units import TOTAL_TOKENS
from gateway.engine.verdict import Verdict
from gateway.exchange import Exchange
from gateway.limit_sheet import LimitSheet
from gateway.observe.batch_counts import Answered
from gateway.observe.metrics import Metrics
from gateway.observe.records import Limits, keep
from gateway.observe.sinks import Sink
from gateway.per_plan import Alike, PerPlan, Plans
from gateway.policy.finding import Finding
from gateway.policy.output.finding import OutputFinding
from gateway.record_of import abort_phase, first_byte_s, overhead_s, record_of

MOST_HELD_BACK: Final = 128
"""Requests whose counts are held back: a hundred kilobytes or two, and less than a millisecond to add up."""
_NONE: Final = "none"
# By names of their own: reading a member of an enumeration costs more than what is done with it here.
_COMPLETE: Final = Outcome.COMPLETE
_CLIENT_GONE: Final = Outcome.CLIENT_GONE


class Archive:
    """Counts and records finished exchanges. What most of them add to the metrics is gathered, and added up at once."""

    def __init__(self, metrics: Metrics, sink: Sink) -> None:
        self.metrics = metrics
        self._sink = sink
        self._plans = Plans(metrics)
        self._answers: defaultdict[Alike, list[Answered]] = defaultdict(list)
        self._remaining: defaultdict[LimitSheet, list[Sequence[int]]] = defaultdict(list)
        self._held_back = 0
        metrics.gather(self._bring_in)

    def record(self, x: Exchange, now: float) -> None:
        """Write down a finished exchange; called once for each."""
        plan = None
        if x.plan is not None and x.principal is not None and x.model is not None:
            plan = self._plans.of(x.plan, x.principal.account, x.model)
        findings = _findings(x)
        if plan is None or not self._hold_back(x, plan, now):
            self._count(x, now)
            self._count_consent(x, findings)
        self._count_rare(x, findings)
        limits = self._limits(x, plan.sheet, x.verdict) if plan is not None and x.verdict is not None else ()
        record = record_of(x, plan, findings, limits, now)
        self._held_back += 1
        if self._held_back >= MOST_HELD_BACK:
            self._bring_in()
        self._sink.emit(keep(record))

    def _bring_in(self) -> None:
        """Count what was held back."""
        answers, remaining = self._answers.copy(), self._remaining.copy()
        self._answers.clear()
        self._remaining.clear()
        self._held_back = 0
        for alike, those in answers.items():
            alike.count(self.metrics, those)
        used: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        for sheet, requests in remaining.items():
            sheet.used(requests, used)
        self.metrics.saturations(used)

    def _hold_back(self, x: Exchange, plan: PerPlan, now: float) -> bool:
        """Keep the counts of a request that ended as most do; False where they are to be counted by themselves."""
        settled, reserved, forwarded = x.settlement, x.reservation, x.forwarded
        if (
            x.outcome is not _COMPLETE
            or settled is None
            or reserved is None
            or forwarded is None
            or x.refusal is not None
            or x.ask is None
            or not x.first_byte_at
            or settled.usage.estimated
        ):
            return False
        took = now - x.started_at
        read, written = settled.usage.input_tokens, settled.usage.output_tokens
        kind = (x.route, x.ask.stream, forwarded.upstream)
        self._answers[plan.alike.get(kind) or self._plans.alike(plan, kind)].append(
            (
                took,
                max(0.0, took - x.waited_s),
                x.first_byte_at - x.started_at,
                now - x.sent_at,
                read,
                written,
                settled.cost_nano_usd,
                read + written - reserved.amounts.get(TOTAL_TOKENS, 0),
            )
        )
        return True

    def _count(self, x: Exchange, now: float) -> None:
        """Any end, of any request."""
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
        if outcome is _CLIENT_GONE:
            metrics.client_gone(abort_phase(x))
        settled, reserved = x.settlement, x.reservation
        if settled is not None and reserved is not None:
            spent = settled.usage
            metrics.tokens(model, spent, settled.cost_nano_usd)
            adjustment = spent.total_tokens - reserved.amounts.get(TOTAL_TOKENS, 0)
            metrics.settled(outcome, estimated=spent.estimated, adjustment_tokens=adjustment)
        if x.forwarded is not None:
            metrics.upstream_done(x.forwarded.upstream, now - x.sent_at)

    def _count_consent(self, x: Exchange, findings: Sequence[Finding]) -> None:
        """The policy that refused, or all that let the request pass."""
        denier = x.refusal.details.get("policy") if x.refusal is not None else None
        if denier is not None and x.refusal is not None:
            rule = x.refusal.details.get("rule")
            for found in findings:
                if found.rule == rule and found.policy_id == denier and found.mode == "enforce":
                    return  # it is counted there, as what it is
            self.metrics.decision(str(denier), "deny", "enforce", x.refusal.reason.code)
        elif x.plan is not None:
            self.metrics.allowed(x.plan.policies)

    def _count_rare(self, x: Exchange, findings: Sequence[Finding]) -> None:
        """What few requests have, of those that ended well too."""
        metrics = self.metrics
        if x.headers.get("x-stainless-retry-count", "0") != "0":
            metrics.retry_observed()
        if metrics.names_accounts and x.principal is not None:
            settled = x.settlement
            metrics.account(x.principal.account.id, settled.usage if settled is not None else None, x.started_ms)
        if x.marking is not None and x.marking.result is not None:
            metrics.marked(x.marking.result, x.marking.skip or "none")
        if findings:
            metrics.decisions(findings)
        for found in x.output_findings:
            _count_output(metrics, found)

    def _limits(self, x: Exchange, sheet: LimitSheet, verdict: Verdict) -> Limits:
        """Each limit that was touched. A verdict has a reading for each of the plan's, or none at all."""
        remaining = x.remaining or [reading.remaining for reading in verdict.readings]
        if len(remaining) != len(sheet.limits):
            return ()
        self._remaining[sheet].append(remaining)
        reserved = x.reservation.amounts if x.reservation is not None else {}
        return sheet.written(reserved, remaining, (*verdict.failing, *verdict.shadow_failing))


def _count_output(metrics: Metrics, found: OutputFinding) -> None:
    """A rule on answers that found something or could not look. The one that ended the answer is the refusal's."""
    rule = found.rule
    if found.state == "not_evaluated":
        metrics.decision(rule.policy_id, found.state, rule.mode, reasons.NOT_EVALUATED)
    elif found.state == "matched" and not found.ended:
        stops = rule.action == "stop"
        reason = reasons.OUTPUT_DENIED.code if stops else reasons.ACTIONS["flag"]
        metrics.decision(rule.policy_id, "deny" if stops else "flag", rule.mode, reason)


def _findings(x: Exchange) -> tuple[Finding, ...]:
    """What rules did, and what audit-mode policies would have done to this request."""
    if x.plan is None or x.verdict is None or not x.verdict.shadow_failing:
        return x.findings
    return (*x.findings, *x.plan.shadow_findings(x.verdict.shadow_failing))
