"""`media`: sounds, videos and files in the request."""

from gateway.policy.criteria.base import measured

CRITERION = measured("media", lambda inquiry: inquiry.parameters.media)
