"""`account_age`: how long ago the account was made; it cannot be said where nobody recorded that."""

from gateway.policy.bounds import Duration, inside
from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation


def age_s(here: Situation) -> int | None:
    created = here.principal.account.created_ms
    return max(0, here.now_ms - created) // 1000 if created else None


def _compile(bound: Duration, _: Compiling) -> WhomTest:
    holds = inside(bound)

    def test(here: Situation) -> bool | None:
        age = age_s(here)
        return None if age is None else holds(age)

    return test


def _fact(here: Situation) -> str:
    age = age_s(here)
    return "unknown" if age is None else f"{age // 86_400} days"


def _changes_ms(bound: Duration, here: Situation) -> int | None:
    created = here.principal.account.created_ms
    ends = [created + seconds * 1000 for seconds in (bound.at_least, bound.below) if seconds is not None]
    return min((end for end in ends if end > here.now_ms), default=None) if created else None


CRITERION: Whom = Whom(
    "account_age", "account_age_in_range", "account_age_out_of_range", _compile, _fact, changes_ms=_changes_ms
)
