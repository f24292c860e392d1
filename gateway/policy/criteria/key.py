"""`key`: the public id of the key that was used, never its secret."""

from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation


def _compile(ids: tuple[str, ...], _: Compiling) -> WhomTest:
    wanted = frozenset(ids)
    return lambda here: here.principal.key_id in wanted


def _fact(here: Situation) -> str:
    return here.principal.key_id


CRITERION: Whom = Whom("key", "key_listed", "key_not_listed", _compile, _fact)
