"""`prompt_tokens`: the request's length, a quarter of its bytes of text: only the upstream counts tokens."""

from gateway.policy.criteria.base import Asked, measured

CRITERION: Asked = measured("prompt_tokens", lambda inquiry: inquiry.ask.prompt_bytes // 4, "tokens, about")
