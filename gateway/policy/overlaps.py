"""Whether one fact about a request can be in all of some sets and in none of others, for each kind of criterion.

Every function here answers True only where that is certainly impossible: a doubt is a False.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from ipaddress import IPv4Network, IPv6Network, ip_network
from math import inf
from typing import Any, Final

from gateway.policy.bounds import Count, Duration, Quantity
from gateway.policy.criteria.text import TextMatch
from gateway.policy.criteria.time import Hours
from gateway.policy.names import matches

Impossible = Callable[[Sequence[Any], Sequence[Any]], bool]
"""(sets that hold, sets that do not hold) → whether nothing is left."""
Interval = tuple[float, float]
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY


def one_of(domain: Sequence[Any] | None = None) -> Impossible:
    """A fact that has one value: a tier, a country. `domain` is every value there is, where that is known."""

    def impossible(held: Sequence[Any], failed: Sequence[Any]) -> bool:
        if not held and domain is None:
            return False
        start = frozenset(domain) if domain is not None else frozenset(held[0])
        left = reduce(lambda left, words: left & frozenset(words), held, start)
        return not left.difference(*failed)

    return impossible


def some_of(held: Sequence[Any], failed: Sequence[Any]) -> bool:
    """A fact that has several values at once: tags, upstreams."""
    absent = frozenset[str]().union(*failed)
    return any(absent.issuperset(words) for words in held)


def named(held: Sequence[Any], failed: Sequence[Any]) -> bool:
    """Names with `*`. A model answers to several, so that two different ones may both hold."""
    return any("*" in patterns for patterns in failed) or written(held, failed)


def written(held: Sequence[Any], failed: Sequence[Any]) -> bool:
    """A text by patterns with `*`. A header may also not be there at all."""
    absent = [pattern for patterns in failed for pattern in patterns]
    return any(all(any(matches(word, pattern) for pattern in absent) for word in words) for words in held)


def within(held: Sequence[Count | Quantity | Duration], failed: Sequence[Count | Quantity | Duration]) -> bool:
    """A number in half-open ranges. Those of whole numbers start at 0."""
    whole = not any(isinstance(bound, Quantity) for bound in (*held, *failed))
    left: list[Interval] = [(0.0 if whole else -inf, inf)]
    for bound in held:
        low, high = _ends(bound)
        left = [(max(low, start), min(high, end)) for start, end in left]
    for bound in failed:
        low, high = _ends(bound)
        left = [part for start, end in left for part in ((start, min(end, low)), (max(start, high), end))]
    return not any(start < end for start, end in left)


def _ends(bound: Count | Quantity | Duration) -> Interval:
    low = -inf if bound.at_least is None else bound.at_least
    return low, inf if bound.below is None else bound.below


def full_to(held: Sequence[float], failed: Sequence[float]) -> bool:
    """How full one limit is: at least so much holds, at least so much does not."""
    return bool(failed) and max(held, default=0.0) >= min(failed)


def in_networks(held: Sequence[tuple[str, ...]], failed: Sequence[tuple[str, ...]]) -> bool:
    """An address."""
    sets = [[ip_network(cidr) for cidr in cidrs] for cidrs in held]
    absent = [ip_network(cidr) for cidrs in failed for cidr in cidrs]
    apart = any(not any(mine.overlaps(theirs) for mine in one for theirs in other) for one in sets for other in sets)
    return apart or any(all(any(_inside(net, out) for out in absent) for net in nets) for nets in sets)


def _inside(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def in_hours(held: Sequence[Hours], failed: Sequence[Hours]) -> bool:
    """A minute of the week, in one zone."""
    left = (1 << _WEEK) - 1
    for hours in held:
        left &= _minutes(hours)
    for hours in failed:
        left &= ~_minutes(hours)
    return not left


def _minutes(hours: Hours) -> int:
    """One bit for each minute of the week, Monday 00:00 the lowest; a night belongs to the day on which it began."""
    start, end = (0 if at is None else int(at[:2]) * 60 + int(at[3:]) for at in (hours.from_, hours.to))
    length = (end - start) % _DAY or _DAY
    bits = 0
    for day in _DAYS if hours.days is None else hours.days:
        bits |= ((1 << length) - 1) << (_DAYS.index(day) * _DAY + start)
    return (bits | bits >> _WEEK) & ((1 << _WEEK) - 1)


def in_text(held: Sequence[TextMatch], failed: Sequence[TextMatch]) -> bool:
    """What is looked for in a text: found in some parts, and not found where more is looked for in more parts."""
    return any(_sought(one) <= _sought(other) and set(one.in_) <= set(other.in_) for one in held for other in failed)


def _sought(text: TextMatch) -> frozenset[tuple[str, str]]:
    return frozenset(
        (kind, item) for kind in ("phrases", "words", "patterns", "lexicon") for item in getattr(text, kind) or ()
    )


def equal(held: Sequence[Any], failed: Sequence[Any]) -> bool:
    """Of what nothing else is known."""
    return any(one == other for one in held for other in failed)
