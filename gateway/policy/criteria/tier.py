"""`tier`: the account's named class."""

from gateway.policy.criteria.base import among

CRITERION = among("tier", lambda account: account.tier)
