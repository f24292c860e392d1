"""`owner_country`: where the beneficial owners of the account are; `unknown` where nobody looked."""

from gateway.policy.criteria.base import Whom, among

CRITERION: Whom = among("owner_country", lambda account: account.owner_country.upper() or "unknown")
