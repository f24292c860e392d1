"""`family`: the model's family, as models.yaml names it."""

from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation
from gateway.policy.traffic import Traffic


def _compile(names: tuple[str, ...], _: Compiling) -> WhomTest:
    wanted = frozenset(names)
    return lambda here: here.model.family in wanted


def _fact(here: Situation) -> str:
    return here.model.family or "no family"


def _traffic(names: tuple[str, ...], traffic: Traffic) -> Traffic:
    return traffic.on_models_with("family", names)


CRITERION: Whom = Whom("family", "family_listed", "family_not_listed", _compile, _fact, _traffic)
