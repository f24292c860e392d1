"""`tier`: the account's named class."""

from gateway.policy.criteria.base import Whom, among

CRITERION: Whom = among("tier", lambda account: account.tier)
