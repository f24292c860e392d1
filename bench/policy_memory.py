"""What a process remembers because of policies: plans of callers, and accounts between their requests."""

import tracemalloc
from collections.abc import Callable

from bench.policy_set import caller, policies, policy_set
from bench.report import table
from gateway.core.units import Unit
from gateway.policy.compile import MAX_PLANS
from gateway.policy.recent import MAX_ACCOUNTS, Recent, Used

_PLANS, _ACCOUNTS, _EACH = 500, 2000, 5
_LIMITS = tuple(f"policy-{number}/per-minute" for number in range(_EACH))
_RULES = tuple(f"policy-{number}/share" for number in range(_EACH))


def memory() -> str:
    """Bytes as allocated, the tables that find them included; and what the most of them come to."""
    rules = policy_set(policies(1000, 10))
    callers = [caller(str(number)) for number in range(_PLANS)]
    recent = Recent()

    def remember() -> None:
        for number in range(_ACCOUNTS):
            known = recent.of(f"account-{number}")
            for name in _LIMITS:
                known.used[name] = Used(Unit.REQUESTS, 1000 + number, 10_000_000)
            for name in _RULES:
                known.tally(name).count(met=True, over=50)

    rows = []
    for name, work, count, most in (
        ("plan, 10 of 1,000 policies cover", lambda: [rules.plan(*one, 0) for one in callers], _PLANS, MAX_PLANS),
        (f"account, {_EACH} limits and {_EACH} shares", remember, _ACCOUNTS, MAX_ACCOUNTS),
    ):
        each = _grown(work) / count
        rows.append([name, f"{each:,.0f}", f"{most:,}", f"{each * most / 2**20:,.0f} MiB"])
    return table("Memory of policies", ("what", "bytes each", "kept at most", "then"), rows)


def _grown(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
