"""`route`: the path that was called, such as /v1/messages."""

from typing import Final

from gateway.dialects import DIALECTS
from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation
from gateway.policy.traffic import Traffic

_PATHS: Final = {dialect.name: dialect.path for dialect in DIALECTS}


def dialects_of(paths: tuple[str, ...]) -> frozenset[str]:
    """The dialects that these paths speak."""
    return frozenset(name for name, path in _PATHS.items() if path in paths)


def _compile(paths: tuple[str, ...], _: Compiling) -> WhomTest:
    wanted = dialects_of(paths)
    return lambda here: here.dialect in wanted


def _fact(here: Situation) -> str:
    return _PATHS.get(here.dialect, here.dialect)


def _traffic(paths: tuple[str, ...], traffic: Traffic) -> Traffic:
    # A route speaks one dialect: both ways to name it must count on one counter.
    return traffic.on_dialects(tuple(dialects_of(paths)))


CRITERION: Whom = Whom("route", "route_listed", "route_not_listed", _compile, _fact, _traffic)
