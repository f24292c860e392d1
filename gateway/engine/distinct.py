"""Limits on what is new: distinct prompts, and the output tokens of prompts that were new.

A prompt is a 64-bit fingerprint; its text never comes here. The window hops: it is cut into 32 sub-windows of W/31,
so that a prompt counts from its last use for at least W and at most W · 32/31. In every window of length W at most
`amount` distinct prompts are admitted: each of them was last used inside it, so each is still remembered at its end.
Nothing is given back for a prompt, and what was denied is not remembered.

Output tokens count in the sub-window of their reservation, once per prompt: while a prompt is remembered, its output
is free. Beyond `MAX_REMEMBERED` prompts the one used longest ago is forgotten, and its next use counts again: the
error is on the side of the limit. Fingerprints of two prompts are equal once in 2^64 pairs.
"""

from collections.abc import Iterable, Iterator
from itertools import takewhile

from gateway.core.units import Unit, prompt_and_tokens
from gateway.engine.reservation import Reservation
from gateway.engine.spec import DistinctSpec, Spec
from gateway.engine.verdict import Reading

SUB_WINDOWS = 32
MAX_REMEMBERED = 100_000
"""Prompts remembered per limit; a limit on distinct prompts can be no larger."""


def sub_window_ms(window_s: int) -> int:
    """The length of a hop, rounded up: 31 whole ones and the running one cover the window."""
    return -(-window_s * 1000 // (SUB_WINDOWS - 1))


class Distinct:
    """The prompts of one limit's window. `seen` maps each to its last sub-window, the oldest first."""

    __slots__ = ("fresh", "gone", "hop_ms", "key", "newest", "seen", "spec", "tokens", "unwritten", "written_sub")

    def __init__(self, key: str, spec: DistinctSpec) -> None:
        self.key = key
        self.spec = spec
        self.hop_ms = sub_window_ms(spec.window_s)
        self.gone = False
        self.newest = 0
        self.seen: dict[int, int] = {}
        self.tokens: dict[int, int] = {}
        """Output tokens by sub-window; empty for limits on prompts."""
        self.fresh: dict[Reservation, int] = {}
        """Open reservations whose prompt was new, with the sub-window that holds their tokens."""
        self.written_sub = -1
        """The sub-window up to which a journal has forgotten what left."""
        self.unwritten = 0
        """How many of the last in `seen`, at most, a journal has still to write."""

    def place(self, spec: Spec, _now_ms: int) -> "Distinct":
        if spec is not self.spec:
            if not isinstance(spec, DistinctSpec) or spec.window_s != self.spec.window_s:
                raise TypeError(f"limit {self.key!r} counts what is new; {spec!r} must have another key")
            self.spec = spec
        return self

    def _sub(self, now_ms: int) -> int:
        """The running sub-window; a clock that went back stays in the newest one."""
        return max(self.newest, now_ms // self.hop_ms)

    def _forget(self, now_ms: int) -> None:
        """Drop what has left the window."""
        self.newest = self._sub(now_ms)
        last = self.newest - SUB_WINDOWS
        # Collected first: taking the first of a dictionary again and again is quadratic in what was taken before.
        for prompt in list(_keys_until(self.seen.items(), last)):
            del self.seen[prompt]
        for oldest in [old for old in self.tokens if old <= last]:
            del self.tokens[oldest]

    @property
    def used(self) -> int:
        return sum(self.tokens.values()) if self._counts_tokens else len(self.seen)

    @property
    def _counts_tokens(self) -> bool:
        return self.spec.unit is Unit.UNIQUE_OUTPUT_TOKENS

    def fit(self, amount: int, now_ms: int) -> int | None:
        """0 if the request fits, the milliseconds until it would, None if it never will."""
        self._forget(now_ms)
        prompt, tokens = prompt_and_tokens(amount)
        cost = tokens if self._counts_tokens else 1
        if not amount or prompt in self.seen or self.used + cost <= self.spec.amount:
            return 0
        return None if cost > self.spec.amount else self._wait(cost, now_ms)

    def _wait(self, cost: int, now_ms: int) -> int:
        """Until enough has left the window, if nothing is used again in the meantime."""
        over = self.used + cost - self.spec.amount
        ages = self.tokens.items() if self._counts_tokens else ((sub, 1) for sub in self.seen.values())
        leaving = next(sub for sub, total in _running(ages) if total >= over)
        return max(1, (leaving + SUB_WINDOWS) * self.hop_ms - now_ms)

    def take(self, amount: int, now_ms: int, owner: Reservation) -> None:
        """Remember the prompt, and hold its tokens if it is new, right after `fit` at the same time."""
        if not amount:
            return
        sub = self._sub(now_ms)
        prompt, tokens = prompt_and_tokens(amount)
        new = self.seen.pop(prompt, None) is None
        self.seen[prompt] = sub
        self.unwritten += 1
        if new and self._counts_tokens:
            self.tokens[sub] = self.tokens.get(sub, 0) + tokens
            self.fresh[owner] = sub
            if len(self.seen) > MAX_REMEMBERED:
                del self.seen[next(iter(self.seen))]

    def settle(self, reserved: int, actual: int, _now_ms: int, owner: Reservation) -> None:
        """Replace held tokens by what was written; a prompt stays."""
        sub = self.fresh.pop(owner, None)
        if sub in self.tokens:
            self.tokens[sub] += prompt_and_tokens(actual)[1] - prompt_and_tokens(reserved)[1]

    def correct(self, _committed: int, _actual: int, _since: int, _now_ms: int) -> None:
        """A settle after expiry finds nothing to correct: what was reserved stays counted."""

    def reading(self, spec: Spec, now_ms: int, wait_ms: int | None) -> Reading:
        """`reset_ms` is until the window is empty, if nothing more is used."""
        last = next(reversed(self.tokens if self._counts_tokens else self.seen.values()), None)
        reset = 0 if last is None else max(0, (last + SUB_WINDOWS) * self.hop_ms - now_ms)
        return Reading(spec, self.spec.amount - self.used, reset, wait_ms)

    def peek(self, spec: Spec, now_ms: int) -> Reading:
        """What `reading` would say under `spec` after `fit`, changing nothing."""
        last = self._sub(now_ms) - SUB_WINDOWS
        if self._counts_tokens:
            gone = sum(tokens for sub, tokens in self.tokens.items() if sub <= last)
        else:
            gone = sum(1 for _ in takewhile(lambda sub: sub <= last, self.seen.values()))
        reading = self.reading(spec, now_ms, 0)
        reading.remaining = spec.amount - self.used + gone
        return reading

    def copy(self, key: str) -> "Distinct":
        """The same prompts under another key, with nothing open: what a promotion from audit mode starts with."""
        twin = Distinct(key, self.spec)
        twin.newest, twin.seen, twin.tokens = self.newest, dict(self.seen), dict(self.tokens)
        twin.unwritten = len(twin.seen)
        return twin

    def idle(self, now_ms: int) -> bool:
        """Nothing remembered and nothing open: the same as no state at all."""
        self._forget(now_ms)
        return not (self.seen or self.tokens or self.fresh)


def _keys_until(items: Iterable[tuple[int, int]], last: int) -> Iterator[int]:
    """The prompts, oldest first, that were last used in `last` or before."""
    return (prompt for prompt, _ in takewhile(lambda item: item[1] <= last, items))


def _running(ages: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Each sub-window with what has left by its end."""
    total = 0
    for sub, count in ages:
        total += count
        yield sub, total
