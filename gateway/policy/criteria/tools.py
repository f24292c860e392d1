"""`tools`: how many tools are declared."""

from gateway.policy.criteria.base import measured

CRITERION = measured("tools", lambda inquiry: inquiry.parameters.tools, "tools")
