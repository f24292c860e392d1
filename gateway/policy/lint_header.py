"""Lint of what surrounds the rules: who owns a policy, what it is for, whether anything proves it."""

from typing import Final

from gateway.policy.actions import name_of
from gateway.policy.lint import Complaints, Rule, Scene
from gateway.policy.lint_blocks import with_fragments
from gateway.policy.load import PolicyFile
from gateway.policy.model import Policy

ORDER: Final = tuple(info.alias or name for name, info in Policy.model_fields.items())


def missing_description(file: PolicyFile, _scene: Scene) -> Complaints:
    if file.policy.description is None:
        yield ("id",), "no description: say in a sentence what the policy is for"


def missing_owner(file: PolicyFile, _scene: Scene) -> Complaints:
    if file.policy.owner is None:
        yield ("id",), "no owner: name the team or person that answers for the policy"


def stable_without_tests(file: PolicyFile, scene: Scene) -> Complaints:
    if file.policy.status == "stable" and file.policy.id not in scene.tested:
        yield ("status",), "stable without tests: put cases into a .test.yaml beside it, or say status: testing"


def keys_out_of_order(file: PolicyFile, _scene: Scene) -> Complaints:
    present = [key for key in file.loaded.value if key in ORDER]
    for key, expected in zip(present, sorted(present, key=ORDER.index), strict=True):
        if key != expected:
            yield (key,), f"'{key}' stands where '{expected}' is expected: all policies keep one order of keys"
            return


def enforced_without_false_positives(file: PolicyFile, _scene: Scene) -> Complaints:
    policy = file.policy
    if policy.effective_mode == "enforce" and policy.false_positives is None:
        yield ("id",), "enforced without false_positives: say how an honest caller may trip it and what to do then"


def inert_policy(file: PolicyFile, _scene: Scene) -> Complaints:
    policy = file.policy
    if not (policy.limits or policy.budgets or policy.access or policy.rules or policy.output or policy.watermark):
        yield ("id",), "the policy does nothing: expected limits, budgets, access, rules, output or watermark"


def enforced_rules_without_tests(file: PolicyFile, scene: Scene) -> Complaints:
    policy = file.policy
    # What is stable and untested is P103's matter.
    if policy.effective_mode != "enforce" or policy.status == "stable" or policy.id in scene.tested:
        return
    if policy.rules or policy.output:
        yield ("id",), "enforces rules without tests: put cases into a .test.yaml beside it"


def no_way_to_appeal(file: PolicyFile, scene: Scene) -> Complaints:
    policy = file.policy
    if policy.on_violation.contact is not None:
        return
    by_standing = any(
        block.standing is not None
        for root in (policy.match, *(rule.when for rule in policy.rules.values()))
        for block in with_fragments(root, scene)
    )
    if by_standing:
        yield ("id",), "acts on an account's standing and names nobody to ask: expected on_violation.contact"
        return
    for name, rule in policy.rules.items():
        word = name_of(rule.then)
        if word in ("review", "declare") and policy.on_violation.message is None:
            wanted = "expected on_violation.contact or message"
            yield ("rules", name, "then"), f"'{word}' asks callers for something and does not say where: {wanted}"


HEADER_RULES: Final = (
    Rule("P101", "missing description", "warning", missing_description),
    Rule("P102", "missing owner", "warning", missing_owner),
    Rule("P103", "stable without tests", "error", stable_without_tests),
    Rule("P104", "keys out of order", "warning", keys_out_of_order),
    Rule("P105", "enforced without false_positives", "warning", enforced_without_false_positives),
    Rule("P107", "inert policy", "error", inert_policy),
    Rule("P110", "enforced rules without tests", "warning", enforced_rules_without_tests),
    Rule("P111", "no way to appeal", "warning", no_way_to_appeal),
)
