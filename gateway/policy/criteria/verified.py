"""`verified`: whether somebody checked who the account is."""

from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation


def _compile(wanted: bool, _: Compiling) -> WhomTest:
    return lambda here: here.principal.account.verified is wanted


def _fact(here: Situation) -> str:
    return "verified" if here.principal.account.verified else "not verified"


CRITERION: Whom = Whom("verified", "verification_matches", "verification_differs", _compile, _fact)
