"""The decision record of one exchange, made of clean parts, so that it can be written as it is.

What configuration says is cleaned once for each plan (per_plan.py), what the caller sent with each request.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, cast

from gateway import __version__
from gateway.accounting.outcome import Outcome
from gateway.core.refusal import Refusal
from gateway.core.units import USD
from gateway.exchange import Exchange
from gateway.observe.facts import FactsRecord
from gateway.observe.record_values import MAX_LIST, clean, clean_name, clean_text, micro, moment
from gateway.observe.records import ConditionRecord, DecisionRecord, FindingRecord, Limits, MarkRecord, OutputRecord
from gateway.per_plan import PerPlan
from gateway.policy.facts import facts_of
from gateway.policy.finding import Finding
from gateway.policy.output.finding import OutputFinding
from gateway.policy.ruling import Condition
from gateway.policy.situation import Situation
from gateway.watermarks.issued import Marking

# By names of their own: reading a member of an enumeration costs more than what is done with it here.
_CLIENT_GONE: Final = Outcome.CLIENT_GONE
_MOST_SAID: Final = 4096


def record_of(
    x: Exchange, plan: PerPlan | None, findings: Sequence[Finding], limits: Limits, now: float
) -> DecisionRecord:
    """All that is known of it."""
    facts = x.facts
    if plan is not None:
        account, org, tier, model = plan.account_id, plan.org, plan.tier, plan.model_id
        if facts is None:
            facts = _facts(x)
    else:
        account, org, tier, model = _names(x)
    usage, contradicted, cost = None, False, 0
    if x.settlement is not None:
        usage, contradicted, cost = x.settlement.usage, x.settlement.contradicted, x.settlement.cost_nano_usd
    read, written, money = 0, 0, 0
    if x.reservation is not None:
        read, written, money = x.reservation.input_tokens, x.paid_output, x.reservation.amounts.get(USD, 0)
    took = now - x.started_at
    # In the order of its members: naming each costs more, and setting one after the other does too.
    record = DecisionRecord(
        x.id,
        moment(x.started_ms),
        x.id if x.request_id is x.id else clean_text(x.request_id),
        x.route,
        x.status,
        x.outcome or Outcome.INTERNAL_ERROR,
        __version__,
        account,
        org,
        tier,
        x.principal.key_id if x.principal is not None else "",
        x.dialect.name if x.dialect is not None else "",
        model,
        clean_name(x.attempts[-1].upstream) if x.attempts else "",
        len(x.attempts),
        x.ask is not None and x.ask.stream,
        "",  # reason
        "",  # policy
        "",  # limit
        x.snapshot.policies.revision,
        "",  # clause: this and the other three are what `_refuse` sets
        (),  # findings
        (),  # conditions
        (),  # output
        (),  # tags
        x.delay_s,
        (),  # reduced
        None,  # mark: this and the five before are what `_rule` sets
        facts,
        cast("Any", limits),
        usage,
        contradicted,
        read,
        written,
        money,
        cost,
        micro(took),
        micro(max(0.0, took - x.waited_s)),
        micro(x.first_byte_at - x.started_at) if x.first_byte_at else None,
        abort_phase(x) if x.outcome is _CLIENT_GONE else "",
    )
    if x.refusal is not None:
        _refuse(x.refusal, record)
    if findings or x.conditions or x.tags or x.reduced or x.output_findings or x.marking is not None:
        _rule(x, findings, record)
    return record


def _names(x: Exchange) -> tuple[str, str, str, str]:
    """Account, org, tier and model, as far as they are known of a request that never came to the policies."""
    model = clean_name(x.model.id) if x.model is not None else ""
    if x.principal is None:
        return "", "", "", model
    account = x.principal.account
    return clean_name(account.id), clean_name(account.org), clean_name(account.tier), model


def _refuse(refusal: Refusal, record: DecisionRecord) -> None:
    record.reason = refusal.reason.code
    details = refusal.details
    if not details:  # a stranger's: no policy was asked
        return
    record.policy = clean_name(str(details.get("policy") or ""))
    record.limit = clean_name(str(details.get("limit") or details.get("rule") or ""))
    record.clause = clean_name(str(details.get("clause") or ""))


def _rule(x: Exchange, findings: Sequence[Finding], record: DecisionRecord) -> None:
    """What rules said. Most requests have little of it, many nothing."""
    if findings:
        record.findings = tuple(map(_finding, findings[:MAX_LIST]))
    if x.conditions:
        record.conditions = tuple(map(_condition, x.conditions[:MAX_LIST]))
    if x.output_findings:
        record.output = clean(tuple(map(_output, x.output_findings)))
    if x.tags:
        record.tags = clean(x.tags)
    if x.reduced:
        record.reduced = clean(x.reduced)
    if x.marking is not None:
        record.mark = clean(_mark(x.marking))


# Rules say the same few things over and over, in words of the configuration; what is written of them is not changed.
@lru_cache(maxsize=_MOST_SAID)
def _finding(found: Finding) -> FindingRecord:
    policy, rule, mode, reason, action, clause = found
    return FindingRecord(clean_text(policy), clean_text(rule), action, mode, reason, clean_text(clause))


@lru_cache(maxsize=_MOST_SAID)
def _condition(answer: Condition) -> ConditionRecord:
    rule, revision, holds = answer
    return ConditionRecord(clean_text(rule), revision, holds)


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
    """What costs nothing to tell, for where no rules were asked."""
    if x.ask is None or x.principal is None or x.dialect is None or x.model is None:
        return None
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
