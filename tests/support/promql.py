"""What is wrong with a PromQL expression, seen from our catalogue: metric names, labels, closed label values, joins.

Prometheus itself accepts a name that nobody exports, and answers with nothing. Here that is a problem.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import promql_parser as pql

from gateway.observe.instruments import METRICS, Instrument, Kind
from tests.support.promql_values import closed_values

TARGET: Final = frozenset({"job", "instance", "namespace", "pod", "container", "service", "endpoint"})
"""Labels that Prometheus itself puts on what it scrapes."""
BUILT_IN: Final = {
    "up": TARGET,
    "scrape_duration_seconds": TARGET,
    "ALERTS": TARGET | {"alertname", "alertstate", "severity"},
}
COUNTING: Final = frozenset({"rate", "irate", "increase", "resets"})
"""Functions that take a counter and make nonsense of a gauge."""
SCALARS: Final = frozenset({"scalar", "time", "pi"})
VARIABLE: Final = re.compile(r"\[\$\{?\w+\}?(:[^\]]*)?\]")
"""A range that a dashboard fills in, such as [$__rate_interval]."""

Labels = frozenset[str]


def problems(expr: str, recorded: Mapping[str, Labels]) -> list[str]:
    """What is wrong with `expr`; nothing means that every name, label and closed value in it exists.

    `recorded` maps each recording rule's name to the labels of its series. A label value with a `$` in it is a
    dashboard variable and is not looked at; so is a range.
    """
    return _checked(expr, recorded).problems


def labels_of(expr: str, recorded: Mapping[str, Labels]) -> Labels:
    """The labels that the result of `expr` can have: what a recording rule of it is mapped to in `recorded`."""
    return _checked(expr, recorded).found or frozenset()


def series(instruments: Iterable[Instrument] = METRICS) -> dict[str, Labels]:
    """Every series name the gateway exports, with its labels; histograms by their three names."""
    found: dict[str, Labels] = dict(BUILT_IN)
    for metric in instruments:
        labels = TARGET | frozenset(metric.labels)
        if metric.kind is Kind.HISTOGRAM:
            found[f"{metric.name}_bucket"] = labels | {"le"}
            found[f"{metric.name}_sum"] = found[f"{metric.name}_count"] = labels
        else:
            found[metric.name] = labels
    return found


def _checked(expr: str, recorded: Mapping[str, Labels]) -> "_Walk":
    walk = _Walk(recorded)
    try:
        tree = pql.parse(VARIABLE.sub(lambda m: "[5m:1m]" if m[1] else "[5m]", expr))
    except ValueError as error:
        walk.problems.append(f"does not parse: {error}")
    else:
        walk.found = walk.visit(tree)
    return walk


class _Walk:
    """One pass over a tree. `visit` answers with the labels of a node's result, None for a scalar."""

    def __init__(self, recorded: Mapping[str, Labels]) -> None:
        self.problems: list[str] = []
        self.found: Labels | None = None
        self._known = series() | dict(recorded)
        self._kinds = {name: m.kind for m in METRICS for name in (m.name, f"{m.name}_bucket", f"{m.name}_sum")}

    def visit(self, node: Any) -> Labels | None:
        match node:
            case pql.NumberLiteral() | pql.StringLiteral():
                return None
            case pql.VectorSelector():
                return self._selector(node)
            case pql.MatrixSelector():
                return self._selector(node.vector_selector)
            case pql.ParenExpr() | pql.SubqueryExpr() | pql.UnaryExpr():
                return self.visit(node.expr)
            case pql.AggregateExpr():
                return self._aggregate(node)
            case pql.Call():
                return self._call(node)
            case pql.BinaryExpr():
                return self._binary(node)
        raise TypeError(f"a node of another kind: {node!r}")

    def _selector(self, node: Any) -> Labels:
        name = node.name
        if name is None:
            self.problems.append("a selector without a metric name")
            return frozenset()
        labels = self._known.get(name)
        if labels is None:
            self.problems.append(f"{name} is neither exported nor recorded")
            return frozenset()
        for matcher in node.matchers.matchers:
            if matcher.name not in labels:
                self.problems.append(f"{name} has no label {matcher.name}")
            elif (values := closed_values(name, matcher.name)) is not None:
                self._value(name, matcher, values)
        return labels

    def _value(self, name: str, matcher: Any, values: Labels) -> None:
        if "$" in matcher.value or matcher.value == "":
            return
        if matcher.op in (pql.MatchOp.Re, pql.MatchOp.NotRe):
            # Each alternative by itself: one that matches nothing is a typing error that the others would hide.
            parts = matcher.value.split("|") if "(" not in matcher.value else [matcher.value]
            odd = [part for part in parts if not any(re.fullmatch(part, value) for value in values)]
        else:
            odd = [] if matcher.value in values else [matcher.value]
        self.problems += [f"{name}: {matcher.name} is never {value!r}" for value in odd]

    def _aggregate(self, node: Any) -> Labels:
        inner = self.visit(node.expr) or frozenset()
        op, modifier = str(node.op), node.modifier
        kept: Labels = frozenset()
        if modifier is not None:
            named = frozenset(modifier.labels)
            self.problems += [f"{op}: no label {label} to group by" for label in sorted(named - inner - TARGET)]
            kept = named if modifier.type == pql.AggModifierType.By else inner - named
        if op in ("topk", "bottomk"):
            return inner
        return kept | {node.param.val} if op == "count_values" else kept

    def _call(self, node: Any) -> Labels | None:
        name, args = node.func.name, list(node.args)
        inner = [self.visit(arg) for arg in args]
        vectors = [labels for labels in inner if labels is not None]
        if name in SCALARS:
            return None
        if name == "vector" or not vectors:
            return frozenset()
        if name in COUNTING:
            self._counts(name, args[0])
        if name == "histogram_quantile" and "le" not in vectors[0]:
            self.problems.append("histogram_quantile of something without le")
        if name in ("absent", "absent_over_time"):
            equal = getattr(getattr(args[0], "vector_selector", args[0]), "matchers", None)
            return frozenset(m.name for m in equal.matchers if m.op == pql.MatchOp.Equal) if equal else frozenset()
        if name in ("label_replace", "label_join"):
            return vectors[0] | {args[1].val}
        return vectors[0] - {"le"} if name == "histogram_quantile" else vectors[0]

    def _counts(self, function: str, arg: Any) -> None:
        selector = getattr(arg, "vector_selector", None)
        name = selector.name if selector is not None else None
        if name in self._known and self._kinds.get(name, Kind.COUNTER) is Kind.GAUGE:
            self.problems.append(f"{function} of the gauge {name}")
        if selector is None or ":" in (name or ""):
            self.problems.append(f"{function} of something that is not a counter")

    def _binary(self, node: Any) -> Labels | None:
        left, right = self.visit(node.lhs), self.visit(node.rhs)
        if left is None or right is None:
            return right if left is None else left
        op, modifier = str(node.op), node.modifier
        matching = modifier.matching if modifier is not None else None
        if matching is None:
            if op != "or" and left != right:
                self.problems.append(f"{op}: the sides have different labels ({_listed(left)}; {_listed(right)})")
            return left | right if op == "or" else left
        named = frozenset(matching.labels)
        on = matching.type == pql.LabelModifierType.Include
        if on:
            self.problems += [f"{op}: on({x}) is not on both sides" for x in sorted(named - (left & right))]
        elif left - named != right - named:
            self.problems.append(f"{op}: the sides differ in more than the ignored labels")
        if op in ("and", "unless", "or"):
            return left | right if op == "or" else left
        many, one = (right, left) if modifier.card == pql.VectorMatchCardinality.OneToMany else (left, right)
        if modifier.card == pql.VectorMatchCardinality.OneToOne:
            return named if on else left - named
        copied = frozenset(modifier.group_labels or ())
        self.problems += [f"{op}: {label} is not there to be copied" for label in sorted(copied - one)]
        return many | copied


def _listed(labels: Labels) -> str:
    return ", ".join(sorted(labels)) or "none"
