"""Lint of ends: what has run out, and what hardly ends at all."""

from collections.abc import Iterator
from typing import Final

from gateway.policy.lint import Complaints, Path, Rule, Scene
from gateway.policy.load import PolicyFile
from gateway.policy.model import Policy
from gateway.policy.scalars import DAY_MS

LONGEST_MS: Final = 366 * DAY_MS


def expired_exception(file: PolicyFile, scene: Scene) -> Complaints:
    for index, exempt in enumerate(file.policy.exceptions):
        if exempt.until <= scene.now_ms:
            message = f"the exception for account '{exempt.account}' has expired: remove it, or ask {exempt.owner}"
            yield ("exceptions", index, "until"), message


def expired_rule(file: PolicyFile, scene: Scene) -> Complaints:
    for path, until in _rule_ends(file.policy):
        if until <= scene.now_ms:
            yield path, f"the rule '{path[1]}' has expired and does nothing: remove it, or give it a later end"


def far_end(file: PolicyFile, scene: Scene) -> Complaints:
    ends = [*_rule_ends(file.policy)]
    ends += [(("exceptions", index, "until"), exempt.until) for index, exempt in enumerate(file.policy.exceptions)]
    for path, until in ends:
        if until - scene.now_ms > LONGEST_MS:
            yield path, "ends in more than a year: expected an end at which somebody looks again"


def _rule_ends(policy: Policy) -> Iterator[tuple[Path, int]]:
    for block, rules in (("rules", policy.rules), ("output", policy.output)):
        for name, rule in rules.items():
            if rule.until is not None:
                yield (block, name, "until"), rule.until


TIME_RULES: Final = (
    Rule("P106", "expired exception", "error", expired_exception),
    Rule("P108", "expired rule", "error", expired_rule),
    Rule("P109", "end in the far future", "warning", far_end),
)
