"""`n`: choices asked for in one request."""

from gateway.policy.criteria.base import Asked, measured

CRITERION: Asked = measured("n", lambda inquiry: inquiry.ask.choices, "choices")
