"""An explanation as people read it at night: the decision first, then why, then everything else."""

from collections.abc import Iterator

from gateway.policy.explain.decision import Decision, Explanation
from gateway.policy.explain.limits import LimitSaid
from gateway.policy.explain.survey import PolicySaid, RuleSaid
from gateway.policy.plan import OUTPUT_RULE
from gateway.policy.trace import lines
from gateway.policy.words import duration

_SAYS = {"holds": "yes", "fails": "no ", "not_evaluated": "?  ", "ended": "no "}


def explained(one: Explanation) -> Iterator[str]:
    """Line by line. No text of the request is among them."""
    yield from _decision(one.decision)
    if one.audit:
        yield f"  in audit mode, so that nobody was told: {', '.join(one.audit)}"
    yield ""
    account = one.account
    yield f"account {account['id']} (org {account['org']}, tier {account['tier']}), key {one.key or 'any'}"
    yield f"model {one.model}, dialect {one.dialect}, at {one.at}, policies {one.revision}"
    decider = one.decision.by
    # The one that decides first.
    covering = sorted((policy for policy in one.policies if policy.covers), key=lambda one: not _of(one, decider))
    yield ""
    yield f"policies that cover it: {len(covering)} of {len(one.policies)}"
    for policy in covering:
        yield from _covering(policy, decider)
    if one.limits:
        yield ""
        yield "limits"
        for limit in one.limits:
            yield from _limit(limit, decider)
    others = [policy for policy in one.policies if not policy.covers]
    if others:
        yield ""
        yield "policies that do not cover it"
        for policy in others:
            yield f"  {policy.id}: {policy.why}{_code(policy.code)}"


def _decision(decision: Decision) -> Iterator[str]:
    if decision.action == "allow":
        yield "ALLOWED"
    else:
        by = f" by {decision.by}" if decision.by else ""
        yield f"REFUSED ({decision.action}){by}: {decision.reason}"
        yield f"  {decision.message}"
        yield f"  why this: {decision.why}"
    for effect in decision.effects:
        yield f"  {effect}"
    for unknown in decision.unknown:
        yield f"  not known: {unknown}"


def _covering(policy: PolicySaid, decider: str) -> Iterator[str]:
    yield f"  {policy.id} ({policy.mode}) {policy.title}: {policy.why}{_code(policy.code)}"
    for access in policy.access:
        mark = "kept  " if not access.broken else "lowers" if access.id.endswith(OUTPUT_RULE) else "broken"
        yield f"    {mark} {access.id}{_mark(access.id, decider)}: {access.says}"
    for rule in policy.rules:
        yield from rule_lines(rule, decider, indent=2)
    for output in policy.output:
        yield f"    later  {output.id}: looks at the answer ({output.how}, {output.then})"
    if policy.watermark is not None:
        yield f"    asks   {policy.watermark.id}: {policy.watermark.says}"


def rule_lines(rule: RuleSaid, decider: str = "", indent: int = 0) -> Iterator[str]:
    """A rule and the whole tree of its condition."""
    space = "  " * indent
    share = f", on {rule.share}" if rule.share else ""
    ended = f" ({rule.why})" if rule.says == "ended" else ""
    yield f"{space}{_SAYS[rule.says]}    {rule.id}{_mark(rule.id, decider)}: {rule.action}{share}{ended}"
    yield from lines(rule.condition, indent + 4)


def _limit(limit: LimitSaid, decider: str) -> Iterator[str]:
    audit = " (audit)" if limit.mode == "audit" else ""
    left = f", {limit.remaining_text} left" if limit.remaining_text else ""
    again = f", full again in {duration(limit.reset_ms)}" if limit.reset_ms else ""
    room = ": NO ROOM" if limit.room is False else ""
    yield (
        f"  {limit.id}{audit}{_mark(limit.id, decider)}: {limit.allows} per {limit.scope}; "
        f"{limit.needs_text} needed{left}{again}{room}"
    )


def _of(policy: PolicySaid, decider: str) -> bool:
    return decider.partition("/")[0] == policy.id


def _mark(name: str, decider: str) -> str:
    return " <- decides" if name == decider else ""


def _code(code: str) -> str:
    return f"  [{code}]" if code else ""
