"""What is known before the body is looked at: who calls, on which route, for which model, and when."""

from typing import NamedTuple

from gateway.core.account import Principal
from gateway.core.model import Model


class Situation(NamedTuple):
    """What a plan is made for."""

    principal: Principal
    dialect: str
    model: Model
    now_ms: int
