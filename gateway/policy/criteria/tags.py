"""`tags`: the account has at least one of these tags."""

from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation


def _compile(words: tuple[str, ...], _: Compiling) -> WhomTest:
    wanted = frozenset(words)
    return lambda here: not wanted.isdisjoint(here.principal.account.tags)


def _fact(here: Situation) -> str:
    return ", ".join(sorted(here.principal.account.tags)) or "no tags"


CRITERION: Whom = Whom("tags", "tag_present", "tag_absent", _compile, _fact)
