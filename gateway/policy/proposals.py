"""Suspensions that policies propose and people decide: a list to look at, nothing follows from it by itself.

Kept in the memory of one process: a restart forgets it, and each replica has its own.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MOST_ACCOUNTS: Final = 1000
MOST_RULES: Final = 16
"""Of one account."""


@dataclass(slots=True)
class Proposal:
    """How often one rule proposed to suspend one account. Times are Unix milliseconds."""

    account: str
    policy: str
    rule: str
    count: int
    first_ms: int
    last_ms: int


class Proposals:
    """Those of the accounts that were proposed last."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, OrderedDict[tuple[str, str], Proposal]] = OrderedDict()

    def note(self, account: str, policy: str, rule: str, now_ms: int) -> None:
        """One request of the account after which the rule would suspend it. Never fails, never waits."""
        of_account = self._accounts.setdefault(account, OrderedDict())
        self._accounts.move_to_end(account)
        proposal = of_account.setdefault((policy, rule), Proposal(account, policy, rule, 0, now_ms, now_ms))
        of_account.move_to_end((policy, rule))
        proposal.count += 1
        proposal.last_ms = now_ms
        if len(of_account) > MOST_RULES:
            of_account.popitem(last=False)
        if len(self._accounts) > MOST_ACCOUNTS:
            self._accounts.popitem(last=False)

    def decided(self, account: str) -> None:
        """A person has looked at the account: what is proposed from now on is new."""
        self._accounts.pop(account, None)

    def newest(self) -> list[Proposal]:
        """All of them, the last account first."""
        return [one for of_account in reversed(self._accounts.values()) for one in reversed(of_account.values())]
