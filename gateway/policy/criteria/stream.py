"""`stream`: whether the answer is to be streamed."""

from gateway.policy.criteria.base import flagged

CRITERION = flagged("stream", lambda inquiry: inquiry.ask.stream)
