"""Which models a policy can have to do with, whoever calls: for warnings, before there is a caller."""

from collections.abc import Iterable
from typing import Final

from gateway.core.account import Account, Principal
from gateway.core.model import Model
from gateway.policy.conditions import All, AnyOf, Named, Node, Not, Truth, WhomLeaf
from gateway.policy.situation import Situation

_OF_MODELS: Final = ("model", "family", "upstream", "terms")
"""Criteria that the model alone settles."""
_NOBODY: Final = Principal(Account(id="", org="", tier=""), "")


def reaches(match: Node, model: Model) -> bool:
    """Whether there may be a caller and a route with which `match` covers the model."""
    return _settled(match, Situation(_NOBODY, "", model, 0)) is not False


def _settled(node: Node, here: Situation) -> Truth:
    """The answer as far as the model settles it; None where it depends on more."""
    match node:
        case WhomLeaf() if node.criterion.key in _OF_MODELS:
            return node.test(here)
        case Named():
            return _settled(node.part, here)
        case Not():
            inner = _settled(node.part, here)
            return None if inner is None else not inner
        case All():
            return _joined((_settled(part, here) for part in node.parts), decides=False)
        case AnyOf():
            return _joined((_settled(part, here) for part in node.parts), decides=True)
        case _:
            return None


def _joined(answers: Iterable[Truth], *, decides: bool) -> Truth:
    found = list(answers)
    return decides if decides in found else None if None in found else not decides
