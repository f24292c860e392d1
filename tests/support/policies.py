"""Policies, callers and models for tests: as little as a test needs to say."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.core.account import Account, Principal
from gateway.core.ask import Ask
from gateway.core.model import Model, Prices
from gateway.engine.spec import BudgetSpec, RateSpec
from gateway.policy.bound_rule import BoundRule
from gateway.policy.compile import PolicySet
from gateway.policy.definitions import Definitions, DefinitionsFile
from gateway.policy.explain.mark_words import mark_words
from gateway.policy.lint import Rule, Scene, lint
from gateway.policy.load import DEFINITIONS, PolicyFile
from gateway.policy.model import Policy
from gateway.policy.plan import Plan
from gateway.policy.words import size
from gateway.validate import build
from gateway.yamlio import load

NOW = 1_772_452_800_000
"""2026-03-02T12:00:00Z."""
CHEAP = Prices(input=500, output=1500, cache_read=500, cache_write=500)


def policy_file(text: str = "", **head: str) -> PolicyFile:
    """A policy whose head is filled in: id p, match all, status stable unless said. `text` is the rest."""
    said = {"id": "p", "match": "all", "status": "stable"} | head
    start = "version: 1\nid: {id}\ntitle: Policy {id}\nstatus: {status}\nmatch: {match}\n".format(**said)
    loaded = load(start + text, f"{said['id']}.yaml")
    return PolicyFile(build(loaded, Policy), loaded)


def policy(text: str = "", **head: str) -> Policy:
    return policy_file(text, **head).policy


def shared(text: str) -> Definitions:
    """definitions.yaml with this text after its version."""
    loaded = load("version: 1\n" + text, DEFINITIONS)
    file = build(loaded, DefinitionsFile)
    return Definitions(file.fragments, file.words, file.terms, loaded)


def linted(rules: Sequence[Rule], *files: PolicyFile, **scene: Any) -> list[tuple[str, int, str]]:
    """(code, line, source) of everything that these codes complain about."""
    return [(one.code, one.line, one.source) for one in lint(Scene(files, NOW, **scene), rules)]


def policy_set(*policies: Policy) -> PolicySet:
    return PolicySet(policies)


def account(**facts: object) -> Account:
    return replace(Account(id="acme", org="org1", tier="free"), **facts)


def principal(key: str = "k1", **facts: object) -> Principal:
    return Principal(account(**facts), key)


def model(name: str = "m1", **facts: object) -> Model:
    return replace(Model(name, name, ("u1",), 8000, 1000, CHEAP), **facts)


def ask(**facts: object) -> Ask:
    return Ask(**{"body": {}, "model": "m1", "stream": False, "prompt_bytes": 40, **facts})


def plan_of(*policies: Policy, dialect: str = "chat", on: Model | None = None, **facts: object) -> Plan:
    return policy_set(*policies).plan(principal(**facts), dialect, on or model(), NOW)


def plan_text(plan: Plan) -> str:
    """A plan as people read it: one line for everything that it says."""
    lines = [f"policies: {', '.join(f'{name} ({mode})' for name, mode in plan.policies) or 'none'}"]
    lines += [f"denial: {plan.denial.message}"] if plan.denial else []
    lines += [f"output cap: {plan.output_cap}"] if plan.output_cap else []
    lines += [f"money: {'yes' if plan.has_money else 'no'}"]
    lines += [f"rule {rule.policy.id}/{rule.name}: {rule.says}" for rule in plan.enforced]
    lines += [f"rule {rule.policy.id}/{rule.name} (audit): {rule.says}" for rule in plan.audited]
    lines += [f"finding {one.policy_id}/{one.rule}: {one.reason}" for one in plan.standing_findings]
    lines += [f"asks {_rule_text(rule)}" for rule in plan.rules]
    lines += [f"asks in passing {_rule_text(rule)}" for rule in plan.late_rules]
    for rule in plan.output.rules if plan.output else ():
        size_of = f", at most {rule.max_characters} characters" if rule.max_characters else ""
        looks = f"{len(rule.patterns)} pattern(s) of up to {rule.window} characters{size_of}"
        lines.append(f"reads {rule.policy_id}/{rule.rule} ({rule.mode}): {rule.how}, {rule.action}; {looks}")
    lines += [f"watermark: {mark_words(plan.watermark)}"] if plan.watermark else []
    lines += [f"watermark (audit): {mark_words(plan.watermark_audit)}"] if plan.watermark_audit else []
    for limit in plan.limits:
        kind = (
            "rate" if isinstance(limit.spec, RateSpec) else "budget" if isinstance(limit.spec, BudgetSpec) else "slots"
        )
        shadow = " (audit)" if limit.spec.shadow else ""
        lines.append(f"{kind} {limit.rule}{shadow}: {size(limit.spec)} per {limit.scope} on {limit.spec.key}")
    return "\n".join(lines) + "\n"


def _rule_text(rule: BoundRule) -> str:
    """What is left to find out about each request: nothing where the caller settles it."""
    left = "unknowable" if rule.test is None else "always" if rule.test is True else "of each request"
    share = f", on {rule.share.at_least:.0%} of {rule.share.calls} calls" if rule.share else ""
    hold = f", for {rule.hold_ms // 1000} s more" if rule.hold_ms else ""
    return f"{rule.id} ({rule.mode}): {rule.action}, {left}{share}{hold}"
