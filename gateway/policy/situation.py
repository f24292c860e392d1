"""What is known before the body is looked at: who calls, on which route, for which model, and when."""

from dataclasses import dataclass

from gateway.core.account import Principal
from gateway.core.model import Model


@dataclass(slots=True, init=False)
class Situation:
    """What a plan is made for."""

    principal: Principal
    dialect: str
    model: Model
    now_ms: int

    # Written out, as Exchange is.
    def __init__(self, principal: Principal, dialect: str, model: Model, now_ms: int) -> None:
        self.principal = principal
        self.dialect = dialect
        self.model = model
        self.now_ms = now_ms
