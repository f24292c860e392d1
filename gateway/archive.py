"""The last phase: one exchange becomes counts and one decision record. Content never comes here."""

from gateway import __version__
from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.units import Unit, shown
from gateway.engine.spec import RateSpec
from gateway.engine.verdict import Reading
from gateway.exchange import Exchange
from gateway.observe.facts import FactsRecord
from gateway.observe.metrics import Metrics
from gateway.observe.records import (
    ConditionRecord,
    DecisionRecord,
    FindingRecord,
    LimitRecord,
    MarkRecord,
    OutputRecord,
)
from gateway.observe.sinks import Sink
from gateway.policy.facts import facts_of
from gateway.policy.finding import Finding
from gateway.policy.output.finding import OutputFinding
from gateway.policy.situation import Situation

_NONE = "none"


class Archive:
    """Counts and records finished exchanges."""

    def __init__(self, metrics: Metrics, sink: Sink) -> None:
        self.metrics = metrics
        self._sink = sink

    def record(self, x: Exchange, now: float) -> None:
        """Write down a finished exchange; called once for each."""
        findings = _findings(x)
        self._count(x, findings, now)
        self._sink.emit(_record(x, findings, now))

    def _count(self, x: Exchange, findings: list[Finding], now: float) -> None:
        metrics = self.metrics
        model = x.model.id if x.model is not None else _NONE
        outcome = x.outcome or Outcome.INTERNAL_ERROR
        metrics.request_done(
            x.route,
            model,
            outcome,
            stream=x.ask is not None and x.ask.stream,
            duration_s=now - x.started_at,
            overhead_s=_overhead(x, now),
            ttfb_s=_first_byte(x),
        )
        if x.refusal is not None:
            metrics.refused(x.route, x.refusal.reason.code)
        if outcome is Outcome.CLIENT_GONE:
            metrics.client_gone(_abort_phase(x))
        if x.headers.get("x-stainless-retry-count", "0") != "0":
            metrics.retry_observed()
        if x.settlement is not None and x.reservation is not None:
            spent = x.settlement.usage
            metrics.tokens(model, spent, x.settlement.cost_nano_usd)
            adjustment = spent.total_tokens - x.reservation.amounts.get(Unit.TOTAL_TOKENS, 0)
            metrics.settled(outcome, estimated=spent.estimated, adjustment_tokens=adjustment)
        if x.principal is not None:
            usage = x.settlement.usage if x.settlement is not None else None
            metrics.account(x.principal.account.id, usage, x.started_ms)
        if x.marking is not None and x.marking.result is not None:
            metrics.marked(x.marking.result, x.marking.skip or "none")
        if x.forwarded is not None:
            metrics.upstream_done(x.forwarded.upstream, now - x.sent_at)
        self._count_policies(x, findings)

    def _count_policies(self, x: Exchange, findings: list[Finding]) -> None:
        metrics = self.metrics
        details = x.refusal.details if x.refusal is not None else {}
        denier = details.get("policy")
        if denier is not None and x.refusal is not None:
            rule = (denier, details.get("rule"), "enforce")
            # A rule's refusal is among the findings: it is counted there, as what it is.
            if all((finding.policy_id, finding.rule, finding.mode) != rule for finding in findings):
                metrics.decision(str(denier), "deny", "enforce", x.refusal.reason.code)
        elif x.plan is not None:
            for policy, mode in x.plan.policies:
                metrics.decision(policy, "allow", mode, _NONE)
        for finding in findings:
            metrics.decision(finding.policy_id, finding.action, finding.mode, finding.reason)
        for found in x.output_findings:
            _count_output(metrics, found)
        if x.verdict is not None and x.plan is not None:
            for limit, reading in zip(x.plan.limits, x.verdict.readings, strict=False):
                metrics.saturation(limit.policy_id, limit.name, _saturation(reading))


def _record(x: Exchange, findings: list[Finding], now: float) -> DecisionRecord:
    account = x.principal.account if x.principal is not None else None
    details = x.refusal.details if x.refusal is not None else {}
    settled = x.settlement
    return DecisionRecord(
        id=x.id,
        time_ms=x.started_ms,
        request_id=x.request_id,
        route=x.route,
        status=x.status,
        outcome=x.outcome or Outcome.INTERNAL_ERROR,
        version=__version__,
        account=account.id if account is not None else "",
        org=account.org if account is not None else "",
        tier=account.tier if account is not None else "",
        key_id=x.principal.key_id if x.principal is not None else "",
        dialect=x.dialect.name if x.dialect is not None else "",
        model=x.model.id if x.model is not None else "",
        upstream=x.attempts[-1].upstream if x.attempts else "",
        attempts=len(x.attempts),
        stream=x.ask is not None and x.ask.stream,
        reason=x.refusal.reason.code if x.refusal is not None else "",
        policy=str(details.get("policy") or ""),
        limit=str(details.get("limit") or details.get("rule") or ""),
        clause=str(details.get("clause") or ""),
        revision=x.snapshot.policies.revision,
        findings=tuple(FindingRecord(f.policy_id, f.rule, f.action, f.mode, f.reason, f.clause) for f in findings),
        conditions=tuple(ConditionRecord(*condition) for condition in x.conditions),
        output=tuple(map(_output, x.output_findings)),
        tags=tuple(x.tags),
        delay_s=x.delay_s,
        reduced=x.reduced,
        mark=_mark(x),
        facts=_facts(x),
        limits=_limits(x),
        usage=settled.usage if settled is not None else None,
        contradicted=settled is not None and settled.contradicted,
        reserved_input_tokens=x.reservation.input_tokens if x.reservation is not None else 0,
        reserved_output_tokens=x.paid_output if x.reservation is not None else 0,
        reserved_nano_usd=x.reservation.amounts.get(Unit.USD, 0) if x.reservation is not None else 0,
        cost_nano_usd=settled.cost_nano_usd if settled is not None else 0,
        duration_s=now - x.started_at,
        overhead_s=_overhead(x, now),
        ttfb_s=_first_byte(x),
        client_abort_phase=_abort_phase(x) if x.outcome is Outcome.CLIENT_GONE else "",
    )


def _mark(x: Exchange) -> MarkRecord | None:
    marking = x.marking
    if marking is None:
        return None
    return MarkRecord(
        marking.result or "", marking.skip or "", marking.epoch, marking.family, marking.list_index, marking.strength
    )


def _output(found: OutputFinding) -> OutputRecord:
    rule = found.rule
    return OutputRecord(
        rule.policy_id, rule.rule, rule.action, rule.mode, found.state, found.why, found.ended, found.late
    )


def _count_output(metrics: Metrics, found: OutputFinding) -> None:
    """A rule on answers that found something or could not look. The one that ended the answer is the refusal's."""
    rule = found.rule
    if found.state == "not_evaluated":
        metrics.decision(rule.policy_id, found.state, rule.mode, reasons.NOT_EVALUATED)
    elif found.state == "matched" and not found.ended:
        stops = rule.action == "stop"
        reason = reasons.OUTPUT_DENIED.code if stops else reasons.ACTIONS["flag"]
        metrics.decision(rule.policy_id, "deny" if stops else "flag", rule.mode, reason)


def _facts(x: Exchange) -> FactsRecord | None:
    """Read already where rules were asked; else what costs nothing to tell."""
    if x.facts is not None or x.plan is None or x.ask is None:
        return x.facts
    assert x.principal is not None
    assert x.dialect is not None
    assert x.model is not None
    return facts_of(Situation(x.principal, x.dialect.name, x.model, x.started_ms), x.ask)


def _limits(x: Exchange) -> tuple[LimitRecord, ...]:
    if x.plan is None or x.verdict is None:
        return ()
    amounts = x.reservation.amounts if x.reservation is not None else {}
    failing = x.verdict.failing + x.verdict.shadow_failing
    return tuple(
        LimitRecord(
            limit.policy_id,
            limit.name,
            limit.spec.unit,
            shown(limit.spec.unit, amounts.get(limit.spec.unit, 0)),
            reading.remaining,
            index in failing,
            limit.mode,
        )
        for index, (limit, reading) in enumerate(zip(x.plan.limits, x.verdict.readings, strict=False))
    )


def _findings(x: Exchange) -> list[Finding]:
    """What rules did, and what audit-mode policies would have done to this request."""
    if x.plan is None or x.verdict is None or not x.verdict.shadow_failing:
        return x.findings
    return [*x.findings, *x.plan.shadow_findings(x.verdict.shadow_failing)]


def _saturation(reading: Reading) -> float:
    spec = reading.spec
    size = spec.burst if isinstance(spec, RateSpec) else spec.amount
    return 1.0 if size <= 0 else (size - reading.remaining) / size


def _overhead(x: Exchange, now: float) -> float:
    """Seconds that were the gateway's own: all of them less those spent waiting for others."""
    return max(0.0, now - x.started_at - x.waited_s)


def _first_byte(x: Exchange) -> float | None:
    return x.first_byte_at - x.started_at if x.first_byte_at else None


def _abort_phase(x: Exchange) -> str:
    """How far the exchange was when the caller left: `body`, `wait` (for the upstream) or `answer`."""
    if x.ask is None:
        return "body"
    return "wait" if x.forwarded is None else "answer"
