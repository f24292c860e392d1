"""A limit on one caller's counter, and the policy to name when it refuses."""

from dataclasses import dataclass
from typing import Literal

from gateway.engine.spec import RateSpec, Spec
from gateway.policy.scalars import Scope


@dataclass(frozen=True, slots=True)
class BoundLimit:
    """A limit on this caller's counter, and the policy to name when it refuses."""

    spec: Spec
    name: str
    policy_id: str
    title: str
    scope: Scope
    mode: Literal["enforce", "audit"]
    clause: str = ""
    message: str = ""
    contact: str = ""
    disclose: Literal["full", "clause"] = "full"

    @property
    def size(self) -> int:
        """What `remaining` counts down from: of a rate its burst, which is what may be sent at once."""
        return self.spec.burst if isinstance(self.spec, RateSpec) else self.spec.amount

    @property
    def rule(self) -> str:
        """The limit as records name it: policy and name."""
        return f"{self.policy_id}/{self.name}"
