"""Accounts that are not clear, all of them in memory: every request asks, and an account of a file has one too.

An account that is blocked is refused where its key is checked; what watched and limited mean, policies say.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

from gateway.core import reasons
from gateway.core.account import BLOCKED, CLEAR, Account
from gateway.core.refusal import Detail, Refusal
from gateway.identity.entries import moment_text
from gateway.stores.book.base import Ruling


@dataclass(slots=True)
class _Held:
    """A standing in force, and the account with it: one object for as long as nothing changes, as plans want it."""

    standing: str
    until_ms: int
    bare: Account | None = None
    account: Account | None = None


class Standings:
    """As of the last poll of the book. One event loop owns it."""

    def __init__(self, appeal: str = "") -> None:
        """`appeal` is whom a blocked caller may write to; empty: nobody was named."""
        self._appeal = appeal
        self._held: dict[str, _Held] = {}
        self._ends: list[tuple[int, str]] = []
        """A heap; an entry whose account has another standing by now is passed over."""

    def __len__(self) -> int:
        return len(self._held)

    def of(self, account: Account) -> Account:
        """The account with its standing; the same object again until something changes."""
        held = self._held.get(account.id)
        if held is None:
            return account
        if held.account is None or (held.bare is not account and held.bare != account):
            held.bare = account
            held.account = replace(account, standing=held.standing, standing_until_ms=held.until_ms)
        return held.account

    def standing(self, account_id: str, now_ms: int) -> str:
        held = self._held.get(account_id)
        return held.standing if held is not None and now_ms < held.until_ms else CLEAR

    def counts(self, but_not: Iterable[str] = ()) -> Counter[str]:
        """How many accounts have each standing, clear left out."""
        counted = Counter(held.standing for held in self._held.values())
        counted.subtract(self._held[one].standing for one in but_not if one in self._held)
        return counted

    def put(self, account_id: str, ruling: Ruling) -> None:
        """The newest ruling on an account."""
        self._held.pop(account_id, None)
        if ruling.standing != CLEAR:
            self._held[account_id] = _Held(ruling.standing, ruling.until_ms)
            heappush(self._ends, (ruling.until_ms, account_id))
        if len(self._ends) > 2 * len(self._held) + 64:
            self._ends = [(held.until_ms, one) for one, held in self._held.items()]
            heapify(self._ends)

    def drop(self, account_id: str) -> None:
        self._held.pop(account_id, None)

    def clear(self) -> None:
        self._held.clear()
        self._ends.clear()

    def sweep(self, now_ms: int) -> None:
        """Forget what has run out."""
        while self._ends and self._ends[0][0] <= now_ms:
            until_ms, account_id = heappop(self._ends)
            held = self._held.get(account_id)
            if held is not None and held.until_ms == until_ms:
                del self._held[account_id]

    def refusal(self, account: Account, now_ms: int) -> Refusal | None:
        """Why an account as `of` gave it is not served. The reason is the operators' own and is not told."""
        if account.standing_at(now_ms) != BLOCKED:
            return None
        until = moment_text(account.standing_until_ms) or ""
        details: dict[str, Detail] = {"standing": BLOCKED, "until": until}
        message = f"the account is blocked until {until}"
        if self._appeal:
            details["appeal"] = self._appeal
            message += f" (to appeal: {self._appeal})"
        return Refusal(reasons.ACCOUNT_SUSPENDED, message, details=details)
