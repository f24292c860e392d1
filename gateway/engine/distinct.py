"""Limits on what is new: distinct prompts, and the output tokens of prompts that were new.

A prompt is a 64-bit fingerprint; its text never comes here. The window hops: it is cut into 32 sub-windows of W/31,
so that a prompt counts from its last use for at least W and at most W · 32/31. In every window of length W at most
`amount` distinct prompts are admitted: each of them was last used inside it, so each is still remembered at its end.
Nothing is given back for a prompt, and what was denied is not remembered.

Output counts once per prompt. While a prompt is remembered, `paid` is the largest output that was charged for it. A
reservation of n tokens holds max(0, n − paid) in its sub-window; its end replaces that by max(0, actual − paid), and
paid becomes max(paid, actual). Expiry is an end that used what was reserved. So:

- With nothing open, a remembered prompt has been charged the largest output of any of its requests, not a token less
  or more, in whatever order they ended: each end charges what it raises `paid` by.
- While requests are open they hold that and more: two at once on one prompt hold both, since either may be the longer.
- `paid` never falls, so an end that used no more than was reserved charges no more than it held, and never less than
  nothing: what fitted when it was reserved fits when it is settled.

An end whose sub-window has left changes nothing, `paid` included. Beyond `MAX_REMEMBERED` prompts the one used longest
ago is forgotten, and its next use counts again: the error is on the side of the limit. Fingerprints of two prompts are
equal once in 2^64 pairs.

A clock that goes back stays in the newest sub-window until it has caught up. One that goes back by more than the
window had leapt ahead: all that is remembered then counts from now, for one window more.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, takewhile
from typing import Final

from gateway.core.units import MOST_TOKENS, TOKEN_BITS, Unit
from gateway.engine.reservation import Reservation
from gateway.engine.spec import DistinctSpec, Spec
from gateway.engine.verdict import Reading

SUB_WINDOWS: Final = 32
MAX_REMEMBERED: Final = 100_000
"""Prompts remembered per limit; a limit on distinct prompts can be no larger."""
PAID: Final = 1 << 27
"""Less than this can be paid for a prompt; tokens beyond count each time. Redis has 53 bits for it and a time."""


def sub_window_ms(window_s: int) -> int:
    """The length of a hop, rounded up: 31 whole ones and the running one cover the window."""
    return -(-window_s * 1000 // (SUB_WINDOWS - 1))


class Distinct:
    """The prompts of one limit's window, and what is open on them.

    `seen` maps each prompt to its last sub-window, the oldest first; where tokens count, to that times `PAID` plus
    what is paid for it: one number, since there may be a hundred thousand.
    """

    __slots__ = (
        "cost", "counts_tokens", "gone", "hop_ms", "key", "newest", "open", "rewrite", "seen", "spec", "tokens",
        "written_sub",
    )  # fmt: skip

    def __init__(self, key: str, spec: DistinctSpec) -> None:
        self.key = key
        self.spec = spec
        self.counts_tokens = spec.unit is Unit.UNIQUE_OUTPUT_TOKENS
        self.hop_ms = sub_window_ms(spec.window_s)
        self.gone = False
        self.newest = 0
        self.cost = 0
        """Of what `fit` was asked last."""
        self.seen: dict[int, int] = {}
        self.tokens: dict[int, int] = {}
        """Output tokens by sub-window, the oldest first; empty for limits on prompts."""
        self.open: dict[Reservation, tuple[int, int]] = {}
        """What open reservations hold: the sub-window, and how many of its tokens; empty for limits on prompts."""
        self.written_sub = -1
        """The sub-window up to which a journal has forgotten what left."""
        self.rewrite = False
        """Whether a journal must write all prompts again, not only those that it was told of."""

    def place(self, spec: Spec, _now_ms: int) -> "Distinct":
        if spec is not self.spec and spec != self.spec:
            if not isinstance(spec, DistinctSpec) or spec.window_s != self.spec.window_s:
                raise TypeError(f"limit {self.key!r} counts what is new; {spec!r} must have another key")
            self.spec = spec
        return self

    def _running(self, now_ms: int) -> int:
        """The running sub-window: the clock's, or the newest one while the clock is at most a window behind it."""
        sub = now_ms // self.hop_ms
        return self.newest if self.newest - SUB_WINDOWS <= sub <= self.newest else sub

    def forget(self, now_ms: int) -> None:
        """Drop what has left the window; what would stay in it because the clock had leapt ahead counts from now."""
        running = self._running(now_ms)
        if running == self.newest:
            return
        if running < self.newest:
            self._redate(running)
        self.newest = running
        last = running - SUB_WINDOWS
        # Collected first: taking the first of a dictionary again and again is quadratic in what was taken before.
        for prompt in list(_keys_until(self.seen.items(), self.mark(last + 1, 0) - 1)):
            del self.seen[prompt]
        for oldest in [old for old in self.tokens if old <= last]:
            del self.tokens[oldest]

    def _redate(self, sub: int) -> None:
        self.seen = {prompt: self.mark(sub, self.paid(prompt)) for prompt in self.seen}
        # What has left is in no sub-window: 0 is long over, whatever the clock does.
        self.open = {owner: (sub if old in self.tokens else 0, held) for owner, (old, held) in self.open.items()}
        self.tokens = {sub: sum(self.tokens.values())} if self.tokens else {}
        self.rewrite = True

    def mark(self, sub: int, paid: int) -> int:
        """What `seen` has of a prompt."""
        return sub * PAID + min(paid, PAID - 1) if self.counts_tokens else sub

    def sub_of(self, mark: int) -> int:
        return mark // PAID if self.counts_tokens else mark

    def paid(self, prompt: int) -> int:
        """The largest output that was charged for a prompt; 0 if it is not remembered."""
        return self.seen.get(prompt, 0) % PAID if self.counts_tokens else 0

    @property
    def used(self) -> int:
        return sum(self.tokens.values()) if self.counts_tokens else len(self.seen)

    def fit(self, amount: int, now_ms: int) -> int | None:
        """0 if the request fits, the milliseconds until it would, None if it never will."""
        if now_ms // self.hop_ms != self.newest:
            self.forget(now_ms)
        if self.counts_tokens:
            paid = self.seen.get(amount >> TOKEN_BITS, 0) % PAID
            cost = self.cost = max(0, (amount & MOST_TOKENS) - paid)
        else:
            cost = self.cost = 0 if not amount or amount >> TOKEN_BITS in self.seen else 1
        if not cost or self.used + cost <= self.spec.amount:
            return 0
        return None if cost > self.spec.amount else self._wait(cost, now_ms)

    def _wait(self, cost: int, now_ms: int) -> int:
        """Until enough has left the window, if nothing is used again in the meantime."""
        over = self.used + cost - self.spec.amount
        if self.counts_tokens:
            leaving = _reaching(over, self.tokens)
        else:  # no generator expression: mypyc makes it a list, of all that is remembered for the sake of one
            leaving = next(islice(self.seen.values(), over - 1, None))
        return max(1, (leaving + SUB_WINDOWS) * self.hop_ms - now_ms)

    def take(self, amount: int, _now_ms: int, owner: Reservation) -> None:
        """Remember the prompt, and hold its tokens that are not paid, right after `fit` at the same time."""
        if not amount:
            return
        prompt, sub, seen = amount >> TOKEN_BITS, self.newest, self.seen
        known = seen.pop(prompt, None)
        if not self.counts_tokens:
            seen[prompt] = sub
            return
        seen[prompt] = sub * PAID + (known or 0) % PAID
        self.tokens[sub] = self.tokens.get(sub, 0) + self.cost
        self.open[owner] = sub, self.cost
        if known is None and len(seen) > MAX_REMEMBERED:
            del seen[next(iter(seen))]

    def charge(self, amount: int, now_ms: int, owner: Reservation, spec: Spec) -> Reading:
        """`take`, then `reading`: what was just taken is in the newest sub-window, whose end empties the window."""
        self.take(amount, now_ms, owner)
        if not amount or (self.counts_tokens and not self.cost):
            return self.reading(spec, now_ms, 0)
        return Reading(spec, self.spec.amount - self.used, (self.newest + SUB_WINDOWS) * self.hop_ms - now_ms)

    def settle(self, reserved: int, actual: int, now_ms: int, owner: Reservation) -> bool:
        """Replace held tokens by what was written beyond what is paid; a prompt stays."""
        if owner not in self.open:
            return False
        self.forget(now_ms)
        sub, held = self.open.pop(owner)
        if sub not in self.tokens:
            return False
        prompt, written = reserved >> TOKEN_BITS, actual & MOST_TOKENS
        known = self.seen.get(prompt)
        # At least reserved − held was paid when it was reserved, also for a prompt forgotten since for want of room.
        paid = max((known or 0) % PAID, (reserved & MOST_TOKENS) - held)
        if written > paid:
            self.tokens[sub] += written - paid - held
            if known is not None:
                self.seen[prompt] = self.mark(known // PAID, written)
        else:
            self.tokens[sub] -= held
        return False

    def correct(self, _committed: int, _actual: int, _since: int, _now_ms: int) -> None:
        """A settle after expiry finds nothing to correct: what was reserved stays counted, and is paid."""

    def reading(self, spec: Spec, now_ms: int, wait_ms: int | None) -> Reading:
        """`reset_ms` is until the window is empty, if nothing more is used. Changes nothing: see `forget`."""
        running, counted = self._running(now_ms), self.used
        if running != self.newest:
            counted -= self._gone(running - SUB_WINDOWS)
        last = self._last()
        leaves = 0 if last is None else (min(last, running) + SUB_WINDOWS) * self.hop_ms
        return Reading(spec, self.spec.amount - counted, max(0, leaves - now_ms), wait_ms)

    def _last(self) -> int | None:
        """The sub-window whose end leaves the window empty; None where it is."""
        if not self.counts_tokens:
            return next(reversed(self.seen.values()), None)
        for sub, tokens in reversed(self.tokens.items()):
            if tokens:
                return sub
        return None

    def _gone(self, last: int) -> int:
        """What has left, and `forget` would drop."""
        if self.counts_tokens:
            return sum(tokens for sub, tokens in self.tokens.items() if sub <= last)
        return sum(1 for _ in takewhile(lambda sub: sub <= last, self.seen.values()))

    def peek(self, spec: Spec, now_ms: int) -> Reading:
        """What `reading` would say under `spec` after `fit`, changing nothing."""
        reading = self.reading(spec, now_ms, 0)
        reading.remaining += spec.amount - self.spec.amount
        return reading

    def copy(self, key: str) -> "Distinct":
        """The same prompts under another key, with nothing open: what a promotion from audit mode starts with."""
        twin = Distinct(key, self.spec)
        twin.newest, twin.seen, twin.tokens = self.newest, dict(self.seen), dict(self.tokens)
        twin.rewrite = True
        return twin

    def idle(self, now_ms: int) -> bool:
        """Nothing remembered and nothing open: the same as no state at all. Changes nothing."""
        last = self._running(now_ms) - SUB_WINDOWS
        newest = self.sub_of(next(reversed(self.seen.values()), self.mark(last, 0)))
        return not self.open and newest <= last and all(sub <= last for sub in self.tokens)


def _keys_until(items: Iterable[tuple[int, int]], last: int) -> Iterator[int]:
    """The prompts, oldest first, that were last used in `last` or before."""
    return (prompt for prompt, _ in takewhile(lambda item: item[1] <= last, items))


def _reaching(over: int, tokens: Mapping[int, int]) -> int:
    """The sub-window by whose end `over` tokens or more have left; there are as many."""
    for sub, count in tokens.items():
        over -= count
        if over <= 0:
            return sub
    raise ValueError("more was to leave than is counted")
