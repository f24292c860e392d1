"""`country`: the country that the account gave; `unknown` where it gave none."""

from gateway.policy.criteria.base import Whom, among

CRITERION: Whom = among("country", lambda account: account.country.upper() or "unknown")
