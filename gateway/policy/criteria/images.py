"""`images`: pictures in the request."""

from gateway.policy.criteria.base import measured

CRITERION = measured("images", lambda inquiry: inquiry.parameters.images, "images")
