"""The condition of a rule over what a record kept of its request: never a text, a header or an address."""

import json
from collections.abc import Mapping
from typing import Any

from gateway.core.model import Model
from gateway.policy.compile import PolicySet
from gateway.policy.compiled_rule import CompiledRule
from gateway.policy.diff.asking import NotRecorded, account_of, inquiry_of
from gateway.policy.diff.recorded import NotARecord, read_record
from gateway.policy.recent import AccountMemory
from gateway.policy.trace import Step, trace


def condition_then(record: Mapping[str, Any], policies: PolicySet, rule: str, model: Model | None) -> Step | None:
    """What every criterion of `rule` (policy/name) says to the facts of a record.

    None where there is no such rule, the model is not known, or the record has no facts.
    """
    found = _rule(policies, rule)
    if found is None or model is None:
        return None
    try:
        known = read_record(json.dumps(record).encode())
    except NotARecord:
        return None
    if known.facts is None or known.model != model.id:
        return None
    inquiry = inquiry_of(known, account_of(known, known.facts), model, known.time_ms, AccountMemory())
    return trace(found.condition, inquiry, absent=(NotRecorded,))


def _rule(policies: PolicySet, rule: str) -> CompiledRule | None:
    policy_id, _, name = rule.partition("/")
    rules = (one for policy in policies.compiled if policy.id == policy_id for one in policy.rules)
    return next((one for one in rules if one.name == name), None)
