"""`country`: the country that the account gave; `unknown` where it gave none."""

from gateway.policy.criteria.base import among

CRITERION = among("country", lambda account: account.country.upper() or "unknown")
