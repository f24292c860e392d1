"""`logprobs`: whether log probabilities are asked for."""

from gateway.policy.criteria.base import flagged

CRITERION = flagged("logprobs", lambda inquiry: inquiry.ask.logprobs)
