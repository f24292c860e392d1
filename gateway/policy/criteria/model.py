"""`model`: the model's id or an alias; `*` stands for any text."""

from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.names import names_model
from gateway.policy.situation import Situation
from gateway.policy.traffic import Traffic


def _compile(patterns: tuple[str, ...], _: Compiling) -> WhomTest:
    return lambda here: names_model(patterns, here.model)


def _fact(here: Situation) -> str:
    return here.model.id


def _traffic(patterns: tuple[str, ...], traffic: Traffic) -> Traffic:
    return traffic.on_models(patterns)


CRITERION: Whom = Whom("model", "model_listed", "model_not_listed", _compile, _fact, _traffic)
