"""Limits that the ledger could not count exactly are refused when policies are compiled, never met at run time."""

from collections.abc import Iterator

from gateway.engine.validate import validate
from gateway.limit_grammar import budget_spec, limit_spec
from gateway.policy.model import Policy

Path = tuple[str | int, ...]


def overflows(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Where a limit is too large to count, and why."""
    for name, limit in policy.limits.items():
        trouble = validate(limit_spec(limit, shadow=False))
        if trouble is not None:
            yield ("limits", name, "amount"), f"limits.{name}: {trouble}"
    for name, budget in policy.budgets.items():
        trouble = validate(budget_spec(budget, shadow=False))
        if trouble is not None:
            yield ("budgets", name, "amount"), f"budgets.{name}: {trouble}"
