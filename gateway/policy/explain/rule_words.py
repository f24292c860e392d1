"""One rule or limit as its policy has it, in words, where no request is at hand."""

from collections.abc import Iterator

from gateway.policy.compile import PolicySet
from gateway.policy.compiled import CompiledPolicy
from gateway.policy.explain.mark_words import mark_words
from gateway.policy.trace import Step, lines, outline, written
from gateway.policy.watermark import RULE
from gateway.policy.words import size


def rule_words(policies: PolicySet, rule: str, found: Step | None = None) -> Iterator[str]:
    """`rule` is policy/name, `found` its condition over a request, where one is at hand.

    Says so where the set has no such policy, or one without such a rule.
    """
    policy_id, _, name = rule.partition("/")
    policy = next((one for one in policies.compiled if one.id == policy_id), None)
    if policy is None:
        yield f"no policy '{policy_id}' is in force in revision {policies.revision}"
        return
    yield f"{policy.title} ({policy.mode})" + (f"; {policy.clause}" if policy.clause else "")
    words = list(_words(policies, policy, name, found))
    yield from words or [f"it has no rule or limit '{name}' in revision {policies.revision}"]


def _words(policies: PolicySet, policy: CompiledPolicy, name: str, found: Step | None) -> Iterator[str]:
    for limit in policy.limits:
        if limit.name == name:
            yield f"allows {size(limit.template)} per {limit.per}"
    for rule in policy.rules:
        if rule.name == name:
            share = f", on at least {rule.share.at_least:.0%} of {rule.share.calls} calls" if rule.share else ""
            yield f"{rule.action}{share}, when"
            yield from outline(rule.condition, 1) if found is None else lines(found, 1)
    for output in policy.output:
        if output.rule.rule == name:
            yield f"looks at answers ({output.rule.how}, {output.rule.action})"
    if policy.watermark is not None and name.partition(".")[0] == RULE:
        yield f"asks for {mark_words(policy.watermark)}"
    written_policy = next(one for one in policies.policies if one.id == policy.id)
    access = written_policy.access
    given = {} if access is None else {f"access.{key}": getattr(access, key) for key in type(access).model_fields}
    for key, value in given.items():
        if value is not None and (name == key or name.startswith(f"{key}.")):
            yield f"{key.removeprefix('access.')}: {written(value)}"
