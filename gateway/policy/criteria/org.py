"""`org`: the org that the account belongs to."""

from gateway.policy.criteria.base import among

CRITERION = among("org", lambda account: account.org)
