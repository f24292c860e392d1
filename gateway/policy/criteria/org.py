"""`org`: the org that the account belongs to."""

from gateway.policy.criteria.base import Whom, among

CRITERION: Whom = among("org", lambda account: account.org)
