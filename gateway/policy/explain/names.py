"""Refusals and findings under the names by which cases, records and explanations speak of them."""

from typing import Final

from gateway.core import reasons
from gateway.core.refusal import Refusal

NOTHING_DONE: Final = ("count", "not_evaluated")
"""Findings of rules that did not act."""
_ACTIONS: Final = {reasons.REVIEW_REQUIRED.code: "review", reasons.PURPOSE_REQUIRED.code: "declare"}


def action_of(refusal: Refusal) -> str:
    """`review`, `declare`, or `deny` for all others."""
    return _ACTIONS.get(refusal.reason.code, "deny")


def name_of(refusal: Refusal) -> str:
    """The rule or limit that refuses, as policy/name; empty where no policy does."""
    policy = refusal.details.get("policy")
    return f"{policy}/{refusal.details.get('limit') or refusal.details.get('rule')}" if policy else ""
