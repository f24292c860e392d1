"""`n`: choices asked for in one request."""

from gateway.policy.criteria.base import measured

CRITERION = measured("n", lambda inquiry: inquiry.ask.choices, "choices")
