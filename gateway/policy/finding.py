"""What one rule said to one request, for the decision record."""

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """Which rule of which policy, whether it counted (mode), what it did or would have done, and why."""

    policy_id: str
    rule: str
    mode: Literal["enforce", "audit"]
    reason: str
    action: str = "deny"
    clause: str = ""
