"""`attested_age`: the age in years that the account's holder attested; 0 where nobody did."""

from gateway.policy.bounds import Count, inside
from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation


def _compile(bound: Count, _: Compiling) -> WhomTest:
    holds = inside(bound)
    return lambda here: holds(here.principal.account.attested_age)


def _fact(here: Situation) -> str:
    age = here.principal.account.attested_age
    return f"{age} years" if age else "not attested"


CRITERION: Whom = Whom("attested_age", "attested_age_in_range", "attested_age_out_of_range", _compile, _fact)
