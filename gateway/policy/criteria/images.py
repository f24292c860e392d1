"""`images`: pictures in the request."""

from gateway.policy.criteria.base import Asked, measured

CRITERION: Asked = measured("images", lambda inquiry: inquiry.parameters.images, "images")
