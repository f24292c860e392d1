"""Plain counters and histograms in integer slots, and families of them with a bounded number of label sets.

Everything is written from the event loop's thread and rendered from it, so that no lock is needed: an increment is
one attribute addition. A child may be kept and used directly; after `Family.restrict` it must be asked for again.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from gateway.observe.instruments import Instrument

OTHER: Final = "other"
"""The label value that stands for everything that is not configured."""

_MANY: Final = 8
"""Values from which on setting up a count of all costs less than counting one by one."""


class Counter:
    """A number that grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, amount: int = 1) -> None:
        self.value += amount


class Histogram:
    """Counts per bucket; `bounds` are inclusive upper edges, one more slot counts what lies above them."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observe_all(self, values: Sequence[float]) -> None:
        """As if each were observed; of many of them without a step of ours for each."""
        if len(values) < _MANY:
            for value in values:
                self.counts[bisect_left(self.bounds, value)] += 1
                self.total += value
            return
        ordered, before = sorted(values), 0
        for slot, bound in enumerate(self.bounds):
            up_to = bisect_right(ordered, bound)
            self.counts[slot] += up_to - before
            before = up_to
        self.counts[-1] += len(ordered) - before
        self.total += sum(ordered)

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """(upper edge, observations up to it), the last edge being infinity."""
        running = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            running += count
            yield bound, running


Child = TypeVar("Child", Counter, Histogram)


class Family(dict[tuple[str, ...], Child]):
    """All children of one metric, by label values in the order of `labels`; asking for a new one makes it.

    A dictionary, because then counting costs one look-up and no call. A label value outside its domain becomes
    `other`. A label without a domain takes any value (it comes from a closed set in our code); `cap` bounds the
    family even then: from there on new label sets share the child that is `other` in every label. A family that is
    `coarse` in one label gives that one up first: the last third of the cap is kept for children with `other` there,
    so that what does not fit is still counted under its remaining labels.
    """

    __slots__ = ("_cap", "_coarse", "_domains", "_fine", "_make", "labels")

    def __init__(self, labels: tuple[str, ...], make: Callable[[], Child], cap: int, coarse: str = "") -> None:
        super().__init__()
        self.labels = labels
        self._make: Callable[[], Child] = make
        self._cap = cap
        self._coarse = labels.index(coarse) if coarse else -1
        self._fine = cap - cap // 3 if coarse else cap
        """Children made before the coarse label is given up."""
        self._domains: dict[int, frozenset[str]] = {}

    def __missing__(self, values: tuple[str, ...]) -> Child:
        if len(values) != len(self.labels):
            raise ValueError(f"{len(values)} label values for the labels {self.labels}")
        bounded: tuple[str, ...] = tuple(
            value if (domain := self._domains.get(index)) is None or value in domain else OTHER
            for index, value in enumerate(values)
        )
        child = self.get(bounded)
        if child is None and len(self) >= self._fine:
            bounded = tuple(OTHER if index == self._coarse else value for index, value in enumerate(bounded))
            child = self.get(bounded)
        if child is None and len(self) >= self._cap:
            bounded = (OTHER,) * len(self.labels)
            child = self.get(bounded)
        if child is None:
            child = self[bounded] = self._make()
        return child

    def restrict(self, domains: Mapping[str, Iterable[str]]) -> None:
        """Set what the named labels may say. Children that no longer qualify end, as if their process had."""
        for label, allowed in domains.items():
            if label in self.labels:
                self._domains[self.labels.index(label)] = frozenset(allowed) | {OTHER}
        for values in list(self):
            if any(values[index] not in domain for index, domain in self._domains.items()):
                del self[values]


def counter_family(metric: Instrument) -> Family[Counter]:
    return Family(metric.labels, Counter, metric.cap, metric.coarse)


def histogram_family(metric: Instrument) -> Family[Histogram]:
    return Family(metric.labels, lambda: Histogram(metric.buckets), metric.cap, metric.coarse)
