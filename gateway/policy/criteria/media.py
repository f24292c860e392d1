"""`media`: sounds, videos and files in the request."""

from gateway.policy.criteria.base import Asked, measured

CRITERION: Asked = measured("media", lambda inquiry: inquiry.parameters.media)
