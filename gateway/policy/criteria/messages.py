"""`messages`: messages, input items or prompts of the request."""

from gateway.policy.criteria.base import Asked, measured

CRITERION: Asked = measured("messages", lambda inquiry: inquiry.parameters.messages, "messages")
