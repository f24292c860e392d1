"""`messages`: messages, input items or prompts of the request."""

from gateway.policy.criteria.base import measured

CRITERION = measured("messages", lambda inquiry: inquiry.parameters.messages, "messages")
