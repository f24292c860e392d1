"""`upstream`: one of the upstreams that may serve the model."""

from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation
from gateway.policy.traffic import Traffic


def _compile(names: tuple[str, ...], _: Compiling) -> WhomTest:
    wanted = frozenset(names)
    return lambda here: not wanted.isdisjoint(here.model.upstreams)


def _fact(here: Situation) -> str:
    return ", ".join(sorted(here.model.upstreams))


def _traffic(names: tuple[str, ...], traffic: Traffic) -> Traffic:
    return traffic.on_models_with("upstream", names)


CRITERION: Whom = Whom("upstream", "upstream_listed", "upstream_not_listed", _compile, _fact, _traffic)
