"""`logprobs`: whether log probabilities are asked for."""

from gateway.policy.criteria.base import Asked, flagged

CRITERION: Asked = flagged("logprobs", lambda inquiry: inquiry.ask.logprobs)
