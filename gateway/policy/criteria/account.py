"""`account`: the account's id."""

from gateway.policy.criteria.base import among

CRITERION = among("account", lambda account: account.id)
