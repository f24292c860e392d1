"""`tools`: how many tools are declared."""

from gateway.policy.criteria.base import Asked, measured

CRITERION: Asked = measured("tools", lambda inquiry: inquiry.parameters.tools, "tools")
