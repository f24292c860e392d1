"""`token_ids`: whether a prompt is given as token ids, which no rule on text can read."""

from gateway.policy.criteria.base import Asked, flagged

CRITERION: Asked = flagged("token_ids", lambda inquiry: "token_ids" in inquiry.texts.unread)
