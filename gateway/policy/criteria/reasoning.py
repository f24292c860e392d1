"""`reasoning`: whether the request asks for reasoning by an effort or a budget."""

from gateway.policy.criteria.base import Asked, flagged
from gateway.policy.inquiry import Inquiry


def asks_reasoning(inquiry: Inquiry) -> bool:
    return inquiry.parameters.reasoning not in (None, 0, "none")


CRITERION: Asked = flagged("reasoning", asks_reasoning)
