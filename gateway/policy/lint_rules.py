"""Lint of rules: conditions that can never hold, and actions that never change anything."""

from collections.abc import Iterator
from typing import Final

from gateway.policy.actions import REFUSALS, Reduce, Slow, name_of
from gateway.policy.blocks import AskedKeys, When
from gateway.policy.bounds import Count
from gateway.policy.entries import RuleEntry
from gateway.policy.lint import Complaints, Rule, Scene
from gateway.policy.lint_blocks import Blocks, blocks_of, fragment_blocks, with_fragments
from gateway.policy.lint_limits import always_with
from gateway.policy.load import PolicyFile
from gateway.policy.logic import Both, Formula, contradiction, formula, implies
from gateway.policy.model import Access
from gateway.policy.recent import MAX_ENTRIES
from gateway.validate import nearest


def never_holds(file: PolicyFile, scene: Scene) -> Complaints:
    match = formula(file.policy.match, scene.definitions)
    # What is wrong with the match alone is P201's matter.
    hopeless = bool(contradiction(match))
    for name, rule in file.policy.rules.items():
        when = formula(rule.when, scene.definitions)
        facts = contradiction(when)
        if rule.unknown == "act":
            continue  # it also acts where nobody can know
        if facts:
            yield ("rules", name, "when"), f"'{name}' can never hold: nothing is as it asks of {' and '.join(facts)}"
        elif not hopeless and (facts := contradiction(Both((match, when)))):
            message = f"'{name}' can never hold: the policy's match takes away what it asks of {' and '.join(facts)}"
            yield ("rules", name, "when"), message


def never_holds_shared(scene: Scene) -> Complaints:
    for name, block in scene.definitions.fragments.items():
        facts = contradiction(formula(block, scene.definitions))
        if facts:
            yield ("fragments", name), f"'{name}' can never hold: nothing is as it asks of {' and '.join(facts)}"


def never_decides(file: PolicyFile, scene: Scene) -> Complaints:
    refusals = [
        (other, name, rule, _whole(other, rule, scene))
        for other in ((file, *always_with(file, scene)) if file.policy.rules else ())
        for name, rule in other.policy.rules.items()
        if name_of(rule.then) in REFUSALS
    ]
    for name, rule in file.policy.rules.items():
        condition = _whole(file, rule, scene)
        for other, stronger, refusal, outer in refusals:
            decided = _decides_before(refusal, f"{other.policy.id}/{stronger}", rule, f"{file.policy.id}/{name}")
            if decided and _acts_whenever(refusal, outer, rule, condition):
                where = "" if other is file else f" of policy '{other.policy.id}'"
                message = f"'{name}' never decides: '{stronger}'{where} refuses whatever it holds of"
                yield ("rules", name), message
                break


def share_never_reached(file: PolicyFile, scene: Scene) -> Complaints:
    shares = scene.once(_shares)
    for policy, name in shares[MAX_ENTRIES:]:
        if policy == file.policy.id:
            message = f"of one account {MAX_ENTRIES} shares are remembered, and there are {len(shares)} rules with one"
            yield ("rules", name, "share"), f"the share of '{name}' may never be reached: {message}"


def _shares(scene: Scene) -> list[tuple[str, str]]:
    """Rules with a share, by policy and name."""
    return sorted(
        (file.policy.id, name)
        for file in scene.files
        if file.policy.effective_mode != "off"
        for name, rule in file.policy.rules.items()
        if rule.share is not None
    )


def reduces_nothing(file: PolicyFile, scene: Scene) -> Complaints:
    if not any(isinstance(rule.then, Reduce) for rule in file.policy.rules.values()):
        return
    together = [one.policy for one in (file, *always_with(file, scene))]
    accesses = [one.access for one in together if one.access is not None and one.effective_mode != "off"]
    for name, rule in file.policy.rules.items():
        if not isinstance(rule.then, Reduce):
            continue
        wanted = rule.then.reduce
        path = ("rules", name, "then", "reduce")
        condition = _whole(file, rule, scene)
        for key, never_more in _inert_if(rule.then):
            forbidden = any(_forbids(access, key, getattr(wanted, key)) for access in accesses)
            if forbidden:
                yield (*path, key), f"'{name}' reduces nothing by {key}: `access` leaves no more than that"
            elif rule.unknown == "record" and implies(condition, formula(never_more, scene.definitions)):
                yield (
                    (*path, key),
                    f"'{name}' reduces nothing by {key}: it holds only of requests with no more than that",
                )


def no_such_limit(file: PolicyFile, scene: Scene) -> Complaints:
    yield from _missing_limits(blocks_of(file.policy), scene)
    for name, rule in file.policy.rules.items():
        asks = any(getattr(block, "distinct_prompts", None) is not None for block in with_fragments(rule.when, scene))
        if asks and scene.whole and not scene.once(_counts_prompts):
            message = f"'{name}' asks for distinct_prompts, and no policy has a limit on them: it is never evaluated"
            yield ("rules", name, "when"), message


def _counts_prompts(scene: Scene) -> bool:
    return any(limit.unit == "distinct_prompts" for one in scene.files for limit in one.policy.limits.values())


def no_such_limit_shared(scene: Scene) -> Complaints:
    yield from _missing_limits(fragment_blocks(scene), scene)


def _missing_limits(blocks: Blocks, scene: Scene) -> Complaints:
    for path, block in blocks:
        usage = block.usage if isinstance(block, AskedKeys) else None
        if usage is None or usage.limit in scene.once(_limits):
            continue
        if scene.whole or usage.limit.partition("/")[0] in scene.once(_ids):
            policy, _, name = usage.limit.partition("/")
            # Of the same policy or the same name: words are compared one by one, and there may be thousands.
            near = [one for one in scene.once(_limits) if one.startswith(f"{policy}/") or one.endswith(f"/{name}")]
            yield (*path, "usage", "limit"), f"unknown limit '{usage.limit}'{nearest(usage.limit, near)}"


def _limits(scene: Scene) -> frozenset[str]:
    policies = [file.policy for file in scene.files]
    return frozenset(f"{policy.id}/{name}" for policy in policies for name in (*policy.limits, *policy.budgets))


def _ids(scene: Scene) -> frozenset[str]:
    return frozenset(file.policy.id for file in scene.files)


def _whole(file: PolicyFile, rule: RuleEntry, scene: Scene) -> Formula:
    """The condition of a rule, its policy's match included."""
    return Both((formula(file.policy.match, scene.definitions), formula(rule.when, scene.definitions)))


def _decides_before(refusal: RuleEntry, its_id: str, rule: RuleEntry, rule_id: str) -> bool:
    """Whether the refusal is what comes of a request of which both hold. Of equally strong ones the first by name."""
    strength, word = REFUSALS.index(name_of(refusal.then)), name_of(rule.then)
    if isinstance(rule.then, Slow | Reduce):
        return True
    if word not in REFUSALS:
        return False  # notes are taken whatever is decided
    return strength > REFUSALS.index(word) or (strength == REFUSALS.index(word) and its_id < rule_id)


def _acts_whenever(refusal: RuleEntry, outer: Formula, rule: RuleEntry, inner: Formula) -> bool:
    """Whether the refusal acts on every request on which the rule does.

    A rule with a share acts also on requests that do not meet its condition, so that only the same share covers it.
    """
    if refusal.until is not None and (rule.until is None or rule.until > refusal.until):
        return False
    if rule.share is None:
        if rule.unknown == "act" and not (refusal.unknown == "act" and inner == outer):
            return False
        return refusal.share is None and implies(inner, outer)
    same = (refusal.share, refusal.unknown) == (rule.share, rule.unknown) and (refusal.hold or 0) >= (rule.hold or 0)
    return same and inner == outer


def _inert_if(then: Reduce) -> Iterator[tuple[str, When]]:
    """Each part of a reduction by its key, and the condition under which it changes nothing."""
    wanted = then.reduce
    if wanted.logprobs is not None:
        yield "logprobs", When(logprobs=False)
    if wanted.max_n is not None:
        yield "max_n", When(n=Count(below=wanted.max_n + 1))
    if wanted.max_output_tokens is not None:
        yield "max_output_tokens", When(max_output=Count(below=wanted.max_output_tokens + 1))


def _forbids(access: Access, key: str, wanted: int) -> bool:
    """Whether access leaves nothing for the reduction to take away."""
    most = getattr(access, key)
    if key == "logprobs":
        return most is False
    return most is not None and most <= wanted


RULE_RULES: Final = (
    Rule("P205", "rule can never hold", "error", never_holds, never_holds_shared),
    Rule("P206", "rule never decides", "error", never_decides),
    Rule("P207", "share is never reached", "warning", share_never_reached),
    Rule("P208", "reduction without effect", "error", reduces_nothing),
    Rule("P305", "no such limit", "error", no_such_limit, no_such_limit_shared),
)
