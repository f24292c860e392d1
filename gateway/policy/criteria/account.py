"""`account`: the account's id."""

from gateway.policy.criteria.base import Whom, among

CRITERION: Whom = among("account", lambda account: account.id)
