"""What a replay must know of models beyond their ids, told before it begins and not by wrong figures after it."""

from collections.abc import Iterator
from typing import Final

from gateway.policy.compile import PolicySet
from gateway.policy.conditions import leaves

_OF_MODELS: Final = ("family", "upstream", "terms")


def needs_models(policies: PolicySet) -> str:
    """Why a set cannot be replayed without models.yaml; empty where it can."""
    return next(_reasons(policies), "")


def _reasons(policies: PolicySet) -> Iterator[str]:
    for policy in policies.compiled:
        for node in (policy.match, *(rule.condition for rule in policy.rules)):
            for leaf in leaves(node):
                if leaf.criterion.key in _OF_MODELS:
                    yield f"policy '{policy.id}' asks for the {leaf.criterion.key} of models"
        if policy.access is not None and policy.access.terms:
            yield f"policy '{policy.id}' enforces the terms of models"
