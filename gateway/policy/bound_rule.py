"""A rule on one caller's requests: its policy, and what is left to ask once it is known who calls."""

from dataclasses import dataclass
from typing import Literal

from gateway.policy.actions import Then
from gateway.policy.compiled import CompiledPolicy
from gateway.policy.conditions import Bound
from gateway.policy.entries import Share


@dataclass(frozen=True, slots=True)
class BoundRule:
    """`test` is a test, or True where the rule holds of every request, or None where nobody can know."""

    policy: CompiledPolicy
    name: str
    test: Bound
    then: Then
    action: str
    clause: str
    share: Share | None = None
    hold_ms: int = 0
    reads_text: bool = False
    acts_unknown: bool = False
    """It acts also where nobody can know whether its condition holds."""
    revision: str = ""
    """Given where its answer must be recorded, since nothing of what it looks at is."""

    @property
    def mode(self) -> Literal["enforce", "audit"]:
        return self.policy.mode

    @property
    def id(self) -> str:
        """The rule as records name it."""
        return f"{self.policy.id}/{self.name}"
