"""What every policy says to one request by itself, before anybody asks which of them wins. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from gateway.core.ask import Ask
from gateway.core.model import Model
from gateway.identity.entries import moment_text
from gateway.policy.build import Revision, build_plan
from gateway.policy.compile import PolicySet
from gateway.policy.compiled import CompiledPolicy
from gateway.policy.compiled_rule import CompiledRule
from gateway.policy.explain.mark_words import action_of_mark, mark_words
from gateway.policy.inquiry import Inquiry
from gateway.policy.model import Policy
from gateway.policy.plan import OUTPUT_RULE, Plan
from gateway.policy.trace import ALWAYS, Step, decisive, trace
from gateway.policy.watermark import RULE

_ALWAYS: Final = Step(True, ALWAYS)
Says = Literal["holds", "fails", "not_evaluated", "ended"]


@dataclass(frozen=True, slots=True)
class RuleSaid:
    """One rule and its condition. `code` and `why` are those of the criterion that settled it."""

    id: str
    action: str
    mode: str
    says: Says
    code: str
    why: str
    condition: Step
    clause: str = ""
    share: str = ""
    """On which share of an account's calls it acts; empty where it acts on each request."""


@dataclass(frozen=True, slots=True)
class AccessSaid:
    """One access rule: what it allows, and whether this request breaks it."""

    id: str
    mode: str
    says: str
    broken: bool


@dataclass(frozen=True, slots=True)
class OutputSaid:
    """One rule on the answer. There is no answer yet, so that it says nothing."""

    id: str
    mode: str
    how: str
    then: str


@dataclass(frozen=True, slots=True)
class MarkSaid:
    """What a policy asks so that answers can be known again."""

    id: str
    mode: str
    says: str
    action: str


@dataclass(frozen=True, slots=True)
class PolicySaid:
    """One policy. `code` and `why` tell what settled whether it covers the caller."""

    id: str
    title: str
    mode: str
    covers: bool
    code: str
    why: str
    condition: Step
    access: tuple[AccessSaid, ...] = ()
    rules: tuple[RuleSaid, ...] = ()
    output: tuple[OutputSaid, ...] = ()
    watermark: MarkSaid | None = None


def survey(policies: PolicySet, inquiry: Inquiry) -> tuple[PolicySaid, ...]:
    """Every policy of the set by id, those included that are off."""
    compiled = {policy.id: policy for policy in policies.compiled}
    return tuple(_policy(policies, written, compiled.get(written.id), inquiry) for written in policies.policies)


def _policy(policies: PolicySet, written: Policy, policy: CompiledPolicy | None, inquiry: Inquiry) -> PolicySaid:
    mode = written.effective_mode
    if policy is None:
        return PolicySaid(written.id, written.title, mode, False, "mode_off", "its mode is off", _ALWAYS)
    step = trace(policy.match, inquiry)
    outside = _outside(policies, written, inquiry)
    if outside is not None:
        return PolicySaid(written.id, written.title, mode, False, *outside, step)
    if step.holds is not True:
        return PolicySaid(written.id, written.title, mode, False, *_settled(step), step)
    # Alone and enforced, so that nothing it says is lost beside others or as a bare note.
    alone = replace(policy, mode="enforce", disclose="full", message="", contact="")
    revision = Revision(policies.revision, (alone,), policies.definitions.terms)
    plan, _ = build_plan(revision, inquiry.here)
    return PolicySaid(
        written.id, written.title, mode, True, *_settled(step), step,
        access=tuple(_access(policy, plan, inquiry.ask)),
        rules=tuple(_rules(policy, plan, inquiry)),
        output=tuple(
            OutputSaid(f"{policy.id}/{rule.rule}", mode, rule.how, rule.action)
            for rule in (plan.output.rules if plan.output is not None else ())
        ),
        watermark=_mark(policy, inquiry.here.model),
    )  # fmt: skip


def _outside(policies: PolicySet, policy: Policy, inquiry: Inquiry) -> tuple[str, str] | None:
    """Why it covers nobody, or not this account, whatever its match says."""
    here = inquiry.here
    for switch in policies.switches:
        if switch.covers(policy.id, here.now_ms):
            until = moment_text(switch.until_ms)
            return "switched_off", f"switched off by {switch.by} until {until}: {switch.reason}"
    for exempt in policy.exceptions:
        if exempt.account == here.principal.account.id and here.now_ms < exempt.until:
            until = moment_text(exempt.until)
            return "exception", f"an exception until {until}, by {exempt.owner}: {exempt.reason}"
    return None


def _access(policy: CompiledPolicy, plan: Plan, ask: Ask) -> Iterator[AccessSaid]:
    if plan.denial is not None:
        yield AccessSaid(f"{policy.id}/{plan.denial.details['rule']}", policy.mode, plan.denial.message, True)
    for rule in plan.enforced:
        yield AccessSaid(f"{policy.id}/{rule.name}", policy.mode, rule.says, rule.broken(ask))
    if plan.output_cap is not None:
        over = ask.output_cap is None or ask.output_cap > plan.output_cap
        says = f"reduces output to {plan.output_cap} tokens"
        yield AccessSaid(f"{policy.id}/{OUTPUT_RULE}", policy.mode, says, over)


def _mark(policy: CompiledPolicy, model: Model) -> MarkSaid | None:
    mark = policy.watermark
    if mark is None:
        return None
    return MarkSaid(f"{policy.id}/{RULE}", policy.mode, mark_words(mark, model), action_of_mark(mark))


def _rules(policy: CompiledPolicy, plan: Plan, inquiry: Inquiry) -> Iterator[RuleSaid]:
    for rule in policy.rules:
        yield _rule(policy, rule, inquiry)
    own = {rule.name for rule in policy.rules}
    for bound in plan.rules:
        if bound.name not in own:
            # What access.terms makes of the model's profile.
            step = Step(True, "the terms profile of the model says so", "terms_match")
            yield RuleSaid(bound.id, bound.action, policy.mode, "holds", step.code, step.says, step, bound.clause)


def _rule(policy: CompiledPolicy, rule: CompiledRule, inquiry: Inquiry) -> RuleSaid:
    step = trace(rule.condition, inquiry)
    code, why = _settled(step)
    says: Says = "not_evaluated" if step.holds is None else "holds" if step.holds else "fails"
    if rule.until_ms is not None and rule.until_ms <= inquiry.here.now_ms:
        says, code, why = "ended", "ended", f"it ended {moment_text(rule.until_ms)}"
    share = rule.share
    said = "" if share is None else f"at least {share.at_least:.0%} of {share.calls} calls of the account"
    return RuleSaid(f"{policy.id}/{rule.name}", rule.action, policy.mode, says, code, why, step, rule.clause, said)


def _settled(step: Step) -> tuple[str, str]:
    """Code and words of the criterion that settled a condition."""
    leaf, turned = decisive(step)
    if leaf.says == ALWAYS:
        return "", "match: all"
    return leaf.code, f"not {leaf.says}" if turned else leaf.says
