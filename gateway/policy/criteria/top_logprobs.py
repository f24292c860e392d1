"""`top_logprobs`: the most alternatives asked for at a token; 0 where none are."""

from gateway.policy.criteria.base import Asked, measured

CRITERION: Asked = measured("top_logprobs", lambda inquiry: inquiry.parameters.top_logprobs)
