"""`dialect`: the wire format that the route speaks."""

from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation
from gateway.policy.traffic import Traffic


def _compile(names: tuple[str, ...], _: Compiling) -> WhomTest:
    wanted = frozenset(names)
    return lambda here: here.dialect in wanted


def _fact(here: Situation) -> str:
    return here.dialect


def _traffic(names: tuple[str, ...], traffic: Traffic) -> Traffic:
    return traffic.on_dialects(names)


CRITERION: Whom = Whom("dialect", "dialect_listed", "dialect_not_listed", _compile, _fact, _traffic)
