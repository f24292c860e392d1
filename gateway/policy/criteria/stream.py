"""`stream`: whether the answer is to be streamed."""

from gateway.policy.criteria.base import Asked, flagged

CRITERION: Asked = flagged("stream", lambda inquiry: inquiry.ask.stream)
