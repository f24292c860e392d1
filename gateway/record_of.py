"""The decision record of one exchange, made of clean parts, so that it can be written as it is.

What configuration says is cleaned once for each plan (per_plan.py), what the caller sent with each request.
"""

from collections.abc import Sequence

from gateway import __version__
from gateway.accounting.outcome import Outcome
from gateway.core.refusal import Refusal
from gateway.core.units import Unit
from gateway.exchange import Exchange
from gateway.observe.facts import FactsRecord
from gateway.observe.records import (
    MAX_LIST,
    ConditionRecord,
    DecisionRecord,
    FindingRecord,
    MarkRecord,
    OutputRecord,
    clean,
    clean_text,
    micro,
    moment,
)
from gateway.per_plan import PerPlan
from gateway.policy.facts import facts_of
from gateway.policy.finding import Finding
from gateway.policy.output.finding import OutputFinding
from gateway.policy.situation import Situation
from gateway.watermarks.issued import Marking


def record_of(x: Exchange, plan: PerPlan | None, findings: Sequence[Finding], now: float) -> DecisionRecord:
    """All of it but the limits; the caller adds those."""
    record = DecisionRecord(
        x.id,
        moment(x.started_ms),
        clean_text(x.request_id),
        x.route,
        x.status,
        x.outcome or Outcome.INTERNAL_ERROR,
        __version__,
    )
    # Set one by one, which costs less than naming each in the call, and less again where there is nothing to say.
    if plan is not None:
        record.account, record.org, record.tier = plan.account_id, plan.org, plan.tier
        record.model = plan.model_id
        record.facts = _facts(x)
    else:
        _name(x, record)
    if x.principal is not None:
        record.key_id = x.principal.key_id
    if x.dialect is not None:
        record.dialect = x.dialect.name
    if x.attempts:
        record.upstream = clean_text(x.attempts[-1].upstream)
        record.attempts = len(x.attempts)
    if x.ask is not None:
        record.stream = x.ask.stream
    record.revision = x.snapshot.policies.revision
    if x.refusal is not None:
        _refuse(x.refusal, record)
    _rule(x, findings, record)
    if x.reservation is not None:
        record.reserved_input_tokens = x.reservation.input_tokens
        record.reserved_output_tokens = x.paid_output
        record.reserved_nano_usd = x.reservation.amounts.get(Unit.USD, 0)
    if x.settlement is not None:
        record.usage, record.contradicted = x.settlement.usage, x.settlement.contradicted
        record.cost_nano_usd = x.settlement.cost_nano_usd
    record.duration_s = micro(now - x.started_at)
    record.overhead_s = micro(overhead_s(x, now))
    if x.first_byte_at:
        record.ttfb_s = micro(x.first_byte_at - x.started_at)
    if x.outcome is Outcome.CLIENT_GONE:
        record.client_abort_phase = abort_phase(x)
    return record


def _name(x: Exchange, record: DecisionRecord) -> None:
    """Who asked for what, as far as it is known of a request that never came to the policies."""
    if x.principal is not None:
        account = x.principal.account
        record.account, record.org = clean_text(account.id), clean_text(account.org)
        record.tier = clean_text(account.tier)
    if x.model is not None:
        record.model = clean_text(x.model.id)


def _refuse(refusal: Refusal, record: DecisionRecord) -> None:
    details = refusal.details
    record.reason = refusal.reason.code
    record.policy = clean_text(str(details.get("policy") or ""))
    record.limit = clean_text(str(details.get("limit") or details.get("rule") or ""))
    record.clause = clean_text(str(details.get("clause") or ""))


def _rule(x: Exchange, findings: Sequence[Finding], record: DecisionRecord) -> None:
    """What rules said. Most requests have little of it, many nothing."""
    if findings:
        record.findings = tuple(map(_finding, findings[:MAX_LIST]))
    if x.conditions:
        record.conditions = tuple(
            [ConditionRecord(clean_text(rule), revision, holds) for rule, revision, holds in x.conditions[:MAX_LIST]]
        )
    if x.output_findings:
        record.output = clean(tuple(map(_output, x.output_findings)))
    if x.tags:
        record.tags = clean(tuple(x.tags))
    record.delay_s = x.delay_s
    if x.reduced:
        record.reduced = clean(x.reduced)
    if x.marking is not None:
        record.mark = clean(_mark(x.marking))


def _finding(found: Finding) -> FindingRecord:
    policy, rule, mode, reason, action, clause = found
    return FindingRecord(clean_text(policy), clean_text(rule), action, mode, reason, clean_text(clause))


def _mark(marking: Marking) -> MarkRecord:
    return MarkRecord(
        marking.result or "", marking.skip or "", marking.epoch, marking.family, marking.list_index, marking.strength
    )


def _output(found: OutputFinding) -> OutputRecord:
    rule = found.rule
    return OutputRecord(
        rule.policy_id, rule.rule, rule.action, rule.mode, found.state, found.why, found.ended, found.late
    )


def _facts(x: Exchange) -> FactsRecord | None:
    """Read already where rules were asked; else what costs nothing to tell."""
    if x.facts is not None or x.plan is None or x.ask is None:
        return x.facts
    assert x.principal is not None
    assert x.dialect is not None
    assert x.model is not None
    return facts_of(Situation(x.principal, x.dialect.name, x.model, x.started_ms), x.ask)


def overhead_s(x: Exchange, now: float) -> float:
    """Seconds that were the gateway's own: all of them less those spent waiting for others."""
    return max(0.0, now - x.started_at - x.waited_s)


def first_byte_s(x: Exchange) -> float | None:
    return x.first_byte_at - x.started_at if x.first_byte_at else None


def abort_phase(x: Exchange) -> str:
    """How far the exchange was when the caller left: `body`, `wait` (for the upstream) or `answer`."""
    if x.ask is None:
        return "body"
    return "wait" if x.forwarded is None else "answer"
