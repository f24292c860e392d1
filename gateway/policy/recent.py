"""What a process remembers of accounts between requests: where their limits stood, and how often rules held.

Criteria on usage read what the account's last reserve in this process returned, so that no store is asked before the
reserve: with several replicas they lag behind by what the others let through since. Shares are counted per process
as well. Nothing here survives a restart.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.core.units import Unit
from gateway.engine.spec import RateSpec
from gateway.engine.verdict import Reading
from gateway.policy.bound_limit import BoundLimit

MAX_ACCOUNTS: Final = 20_000
MAX_ENTRIES: Final = 512
"""Of limits, and of rules, that are remembered of one account: more than any set of policies has, reloads included."""
MAX_PLANS: Final = 4
"""Of an account, whose last reserve is kept unsorted: an account asks few models at a time."""


Returned = tuple[Sequence[BoundLimit], Sequence[Reading], int]
"""Limits, where they stood, and when (Unix milliseconds)."""


@dataclass(slots=True)
class Tally:
    """How many of an account's calls met a rule's condition. Old calls fade: at twice the calls that a rule asks
    about, both numbers are halved.
    """

    calls: int = 0
    met: int = 0
    acts_until_ms: int = 0
    revision: str = ""
    """Of the rule that was counted, where it reads texts or other things that no record holds."""

    def count(self, *, met: bool, over: int) -> None:
        self.calls += 1
        self.met += met
        if self.calls >= 2 * over:
            self.calls, self.met = self.calls // 2, self.met // 2

    def reached(self, share: float, over: int, *, met: bool) -> bool:
        """Whether one more call, that met the condition or did not, makes up the share."""
        calls = self.calls + 1
        # Divided, not multiplied: 14 of 50 is 0.28 to the last bit, but 0.28 * 50 is a little more than 14.
        return calls >= over and (self.met + met) / calls >= share


class Used(NamedTuple):
    """Where a limit stood after a reserve, in its unit."""

    unit: Unit
    used: int
    size: int
    at_ms: int = 0
    """When that was, in Unix milliseconds; 0 where nobody said."""
    lasts_ms: int = 0
    """How long until nothing of it counts any more; 0 where only a next reserve can tell."""
    drains: bool = False
    """It falls evenly until then, as a rate does; else all of it counts until the end."""

    def left(self, now_ms: int) -> float:
        """What of it still counts. Without this an account that a rule refuses, and that reserves nothing therefore,
        would stay refused long after its limit is free again.
        """
        if not self.at_ms or not self.lasts_ms or now_ms <= self.at_ms:
            return self.used
        rest = 1 - (now_ms - self.at_ms) / self.lasts_ms
        if rest <= 0:
            return min(self.used, 0)
        return self.used * rest if self.drains else self.used


class AccountMemory:  # noqa: PLW1641 - it changes, and nobody keeps it in a set
    """Of one account.

    Every request is remembered, but few rules ask: what a reserve returned is kept as it is, the last of each plan, and
    sorted by limits only when somebody looks.
    """

    __slots__ = ("_returned", "_used", "tallies")

    def __init__(self, used: Mapping[str, Used] | None = None, tallies: Mapping[str, Tally] | None = None) -> None:
        self._used = dict(used or {})
        self._returned: dict[int, Returned] = {}
        self.tallies = dict(tallies or {})
        """By policy/rule."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccountMemory) and (self.used, self.tallies) == (other.used, other.tallies)

    @property
    def used(self) -> dict[str, Used]:
        """By policy/limit, after the last reserve."""
        if self._returned:
            self._sort()
        return self._used

    def remember(self, limits: Sequence[BoundLimit], readings: Sequence[Reading], now_ms: int = 0) -> None:
        """Where the limits stand after a reserve at `now_ms`; of too many those seen first.

        Without `now_ms` it counts until the next reserve, whenever that is.
        """
        if not readings:
            return
        returned = self._returned
        # By identity: while a plan's limits are in here no other object can have their id.
        returned.pop(id(limits), None)
        returned[id(limits)] = limits, readings, now_ms
        if len(returned) > MAX_PLANS:
            self._sort()

    def _sort(self) -> None:
        returned, self._returned = self._returned, {}
        for limits, readings, now_ms in returned.values():
            self._note(limits, readings, now_ms)

    def _note(self, limits: Sequence[BoundLimit], readings: Sequence[Reading], now_ms: int) -> None:
        for limit, reading in zip(limits, readings, strict=False):
            spec = limit.spec
            drains = isinstance(spec, RateSpec)
            size = spec.burst if isinstance(spec, RateSpec) else spec.amount
            if len(self._used) < MAX_ENTRIES or limit.rule in self._used:
                self._used[limit.rule] = Used(
                    spec.unit, size - reading.remaining, size, now_ms, reading.reset_ms, drains
                )

    def tally(self, rule: str, revision: str = "") -> Tally:
        """Counted as new where there are too many to remember, and where the rule looks for something else by now:
        what an account did in the eyes of the old rule says nothing to the new one.
        """
        known = self.tallies.get(rule)
        if known is None or known.revision != revision:
            known = Tally(revision=revision)
            if len(self.tallies) < MAX_ENTRIES or rule in self.tallies:
                self.tallies[rule] = known
        return known


class Recent:
    """The accounts seen last."""

    def __init__(self, most: int = MAX_ACCOUNTS) -> None:
        self._most = most
        self._accounts: OrderedDict[str, AccountMemory] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accounts)

    def of(self, account: str) -> AccountMemory:
        """What is remembered of an account; the one seen longest ago is forgotten for a new one."""
        memory = self._accounts.get(account)
        if memory is None:
            memory = self._accounts[account] = AccountMemory()
            if len(self._accounts) > self._most:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(account)
        return memory
