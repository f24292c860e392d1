"""Why this rule and no other, what is done to a request, what is not known: the sentences of a decision."""

from collections.abc import Iterator, Sequence

from gateway.core.refusal import Refusal
from gateway.policy.actions import REFUSALS
from gateway.policy.explain.names import NOTHING_DONE, name_of
from gateway.policy.explain.survey import AccessSaid, PolicySaid
from gateway.policy.finding import Finding
from gateway.policy.plan import OUTPUT_RULE
from gateway.policy.ruling import Reductions, Ruling


def access_wins(refusal: Refusal, said: Sequence[PolicySaid]) -> str:
    broken = [one for one in _access(said) if one.broken and one.mode == "enforce" and not one.id.endswith(OUTPUT_RULE)]
    others = [one.id for one in broken if one.id != name_of(refusal)]
    also = f"; broken as well: {', '.join(others)}" if others else ""
    return f"access is asked before rules and limits{also}"


def _access(said: Sequence[PolicySaid]) -> Iterator[AccessSaid]:
    return (one for policy in said for one in policy.access)


def rule_wins(ruling: Ruling) -> str:
    refusing = [finding for finding in ruling.findings if finding.mode == "enforce" and finding.action in REFUSALS]
    if len(refusing) < 2:
        return "the only rule in force that refuses"
    strongest = max(refusing, key=lambda finding: REFUSALS.index(finding.action)).action
    equal = sum(1 for finding in refusing if finding.action == strongest)
    named = ", ".join(f"{finding.policy_id}/{finding.rule} ({finding.action})" for finding in refusing)
    first = ", of equally strong ones the first by name" if equal > 1 else ""
    return f"{strongest} is the strongest of those that refuse{first}: {named}"


def reduced(wanted: Reductions) -> Iterator[str]:
    if wanted.logprobs:
        yield "log probabilities are dropped"
    if wanted.max_n is not None:
        yield f"at most {wanted.max_n} choices"
    if wanted.max_output_tokens is not None:
        yield f"at most {wanted.max_output_tokens} output tokens"
    if wanted.less_reasoning:
        yield "less reasoning is asked for"
    if wanted.shown is not None:
        yield "no reasoning is shown" if wanted.shown == "none" else "reasoning is shown as a summary at most"


def unknown_rules(findings: Sequence[Finding], said: Sequence[PolicySaid]) -> Iterator[str]:
    rules = {rule.id: rule for policy in said for rule in policy.rules}
    for finding in findings:
        name = f"{finding.policy_id}/{finding.rule}"
        note = "" if finding.mode == "enforce" else " (audit: changes nothing)"
        if finding.action == "count":
            yield f"{name} holds and acts on {rules[name].share}: only a running gateway has counted them{note}"
        elif finding.action == "not_evaluated":
            yield f"{name} could not be evaluated: {rules[name].why}{note}"


def would_mark(said: Sequence[PolicySaid]) -> Iterator[str]:
    """What policies in audit mode ask for, so that answers can be known again."""
    for one in said:
        mark = one.watermark
        if mark is not None and mark.mode == "audit":
            yield f"{mark.id}: {mark.action}"


def would_do(findings: Sequence[Finding]) -> Iterator[str]:
    for one in findings:
        if one.mode == "audit" and one.action not in NOTHING_DONE:
            yield f"{one.policy_id}/{one.rule}: {one.action}"
