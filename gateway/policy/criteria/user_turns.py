"""`user_turns`: messages of a user in the request; 1 is a question without a conversation."""

from gateway.policy.criteria.base import Asked, measured

CRITERION: Asked = measured("user_turns", lambda inquiry: inquiry.ask.user_turns, "turns")
