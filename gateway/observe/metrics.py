"""The gateway's metrics as a scrape reads them: whole, or in pieces between which the event loop gets its turn.

The only file that knows prometheus_client; it writes every line. Counting is in tally.py.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar, cast

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.observe.counters import Counter, Histogram
from gateway.observe.instruments import METRICS, Instrument, Kind
from gateway.observe.tally import Tally

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
PIECE: Final = 200
"""Most samples of a piece: about a millisecond of rendering. A histogram's child is never divided."""

Labels = tuple[str, ...]
T = TypeVar("T")


class Metrics(Tally):
    """All instruments of one process."""

    def render(self) -> bytes:
        """The whole scrape in the Prometheus text format, as `CONTENT_TYPE` says."""
        return _text([family for metric in METRICS for family in self._families(metric, None)])

    def pieces(self) -> Iterator[bytes]:
        """The same in pieces of at most `PIECE` samples, each as of the moment it is asked for.

        Counting and reloads may go on between two pieces: a family is listed when its first piece is made.
        """
        for metric in METRICS:
            first = True
            for family in self._families(metric, PIECE):
                text = _text([family])
                # Every rendering begins with HELP and TYPE, one line each, which a family may have only once.
                yield text if first else text.split(b"\n", 2)[2]
                first = False

    def _families(self, metric: Instrument, most: int | None) -> Iterator[Metric]:
        """One metric as one family, or as several of at most `most` samples; a family without samples too."""
        self.bring_in()
        read = self._callbacks.get(metric.name)
        if read is not None:
            yield _single(metric, read)
        elif metric.kind is Kind.COUNTER:
            yield from _slices(list(self._counted(metric).items()), most, lambda some: _counter_family(metric, some))
        elif metric.kind is Kind.HISTOGRAM:
            each = len(metric.buckets) + 3
            children = list(self._observed(metric).items())
            yield from _slices(children, most and most // each, lambda some: _histogram_family(metric, some))
        else:
            values = list(self._gauges[metric.name].items())
            yield from _slices(values, most, lambda some: _gauge_family(metric, some))

    def _counted(self, metric: Instrument) -> dict[Labels, Counter]:
        children = self._counters[metric.name]
        if not metric.labels:
            children[()]  # a counter without labels is there from the start, at 0
        return children

    def _observed(self, metric: Instrument) -> dict[Labels, Histogram]:
        children = self._histograms[metric.name]
        if not metric.labels:
            children[()]
        return children


class _Families:
    """What `generate_latest` asks: a Collector but for the name, since compiled classes inherit from no other."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        return self._families


def _text(families: Sequence[Metric]) -> bytes:
    return generate_latest(cast(Collector, _Families(families)))


def _slices(children: Sequence[T], most: int | None, family: Callable[[Sequence[T]], Metric]) -> Iterator[Metric]:
    step = most or max(1, len(children))
    for start in range(0, max(1, len(children)), step):
        yield family(children[start : start + step])


def _single(metric: Instrument, read: Callable[[], float]) -> Metric:
    counts = metric.kind is Kind.COUNTER
    family = (CounterMetricFamily if counts else GaugeMetricFamily)(metric.name, metric.help)
    # One broken owner must not cost the whole scrape; the missing series shows.
    with contextlib.suppress(Exception):
        family.add_metric([], read())
    return family


def _counter_family(metric: Instrument, children: Sequence[tuple[Labels, Counter]]) -> Metric:
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for values, child in children:
        family.add_metric(values, child.value / metric.scale if metric.scale > 1 else child.value)
    return family


def _histogram_family(metric: Instrument, children: Sequence[tuple[Labels, Histogram]]) -> Metric:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for values, child in children:
        buckets = [("+Inf" if bound == float("inf") else repr(bound), count) for bound, count in child.cumulative()]
        family.add_metric(values, buckets, child.total)
    return family


def _gauge_family(metric: Instrument, children: Sequence[tuple[Labels, float]]) -> Metric:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for values, value in children:
        family.add_metric(values, value)
    return family
