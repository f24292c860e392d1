"""Which accounts have series of their own: the K busiest, changed rarely, so that their counters can be read.

Pure: the caller brings the time. Every request adds one to its account's score, and every score halves each minute,
so that a score is about twice the requests of the last minute. Rivals are candidates without a series; there are at
most two for each place. A new one takes the entry of the quietest with its score, and how much of a score is taken
over is known: only the rest counts against the named (the Space-Saving algorithm: Metwally, Agrawal, El Abbadi,
"Efficient computation of frequent and top-k elements in data streams", ICDT 2005).
"""

from collections.abc import Callable
from typing import Final

from gateway.observe.counters import OTHER

MAX_TOP: Final = 100
_PERIOD_MS: Final = 60_000
_CLEARLY: Final = 2
"""A newcomer takes a place from an account that is less than half as busy."""
_RIVALS: Final = 2


class TopAccounts:
    """At most `places` names; `ended` is told the name that lost its place."""

    def __init__(self, places: int, ended: Callable[[str], None]) -> None:
        self._places = min(places, MAX_TOP)
        self._ended = ended
        self._named: dict[str, float] = {}
        self._rivals: dict[str, float] = {}
        self._taken_over: dict[str, float] = {}
        """Of each rival's score, what was another's; its own is at least the rest."""
        self._since_ms = 0

    def label(self, account: str, now_ms: int) -> str:
        """Count one request of this account; its own name, or `other`."""
        if abs(now_ms - self._since_ms) >= _PERIOD_MS:  # a clock that stepped back stops nothing
            self._turn(now_ms)
        if account not in self._named and len(self._named) >= self._places:
            self._rival(account)
            return OTHER
        self._named[account] = self._named.get(account, 0.0) + 1
        return account

    def _rival(self, account: str) -> None:
        rivals = self._rivals
        if account not in rivals:
            inherited = 0.0
            if len(rivals) >= _RIVALS * self._places:
                quietest = min(rivals, key=rivals.__getitem__)
                inherited = rivals.pop(quietest)
                del self._taken_over[quietest]
            rivals[account] = self._taken_over[account] = inherited
        rivals[account] += 1

    def _turn(self, now_ms: int) -> None:
        """Once a minute: one place may change hands, then the past counts half."""
        self._since_ms = now_ms
        if self._rivals:
            newcomer = max(self._rivals, key=self._own_score)
            weakest = min(self._named, key=self._named.__getitem__)
            if self._own_score(newcomer) > _CLEARLY * self._named[weakest]:
                self._named[newcomer] = self._own_score(newcomer)
                del self._rivals[newcomer], self._taken_over[newcomer]
                self._rivals[weakest], self._taken_over[weakest] = self._named.pop(weakest), 0.0
                self._ended(weakest)
        for scores in (self._named, self._rivals, self._taken_over):
            for name in scores:
                scores[name] /= 2

    def _own_score(self, rival: str) -> float:
        return self._rivals[rival] - self._taken_over[rival]
