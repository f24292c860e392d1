"""`seed`: whether the request fixes the seed of its sampling."""

from gateway.policy.criteria.base import Asked, flagged

CRITERION: Asked = flagged("seed", lambda inquiry: inquiry.parameters.seed)
