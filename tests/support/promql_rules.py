"""The rule files of the chart, read as data: recorded names with their labels, alerts, and what depends on what."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import promql_parser as pql
import yaml

from tests.support.promql import Labels, labels_of

RULES: Final = Path(__file__).parents[2] / "helm" / "files" / "rules"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as written. `name` is what it records or the alert's name."""

    name: str
    expr: str
    group: str
    interval: str
    labels: dict[str, str]
    file: Path
    alert: bool = False
    hold: str = "0s"
    annotations: tuple[tuple[str, str], ...] = ()

    def annotation(self, name: str) -> str:
        return dict(self.annotations).get(name, "")


def rule_files() -> list[Path]:
    return sorted(RULES.glob("*.yaml"))


def rules() -> list[Rule]:
    return [rule for path in rule_files() for rule in _read(path)]


def alerts() -> list[Rule]:
    return [rule for rule in rules() if rule.alert]


def recorded() -> dict[str, Labels]:
    """Every recorded name with the labels its series can have."""
    found: dict[str, Labels] = {}
    for rule in in_order():
        found[rule.name] = found.get(rule.name, frozenset()) | labels_of(rule.expr, found) | frozenset(rule.labels)
    return found


def in_order() -> list[Rule]:
    """Recording rules, each after those it reads. Raises ValueError where they read each other in a circle."""
    return [rule for level in levels() for rule in level]


def levels() -> list[list[Rule]]:
    """Recording rules by depth: a level reads only what the levels before it record."""
    left = [rule for rule in rules() if not rule.alert]
    found: list[list[Rule]] = []
    while left:
        names = {rule.name for rule in left}
        ready = [rule for rule in left if not names & set(names_in(rule.expr))]
        if not ready:
            raise ValueError(f"rules read each other in a circle: {sorted(names)}")
        found.append(ready)
        left = [rule for rule in left if rule not in ready]
    return found


def names_in(expr: str) -> Iterator[str]:
    """The series names an expression reads."""
    yield from _names(pql.parse(expr))


def _names(node: Any) -> Iterator[str]:
    for attribute in ("vector_selector", "expr", "lhs", "rhs", "param"):
        child = getattr(node, attribute, None)
        if child is not None:
            yield from _names(child)
    for argument in getattr(node, "args", ()):
        yield from _names(argument)
    if isinstance(node, pql.VectorSelector) and node.name:
        yield node.name


def _read(path: Path) -> Iterator[Rule]:
    for group in yaml.safe_load(path.read_text())["groups"]:
        for rule in group["rules"]:
            yield Rule(
                name=rule.get("alert") or rule["record"],
                expr=rule["expr"],
                group=group["name"],
                interval=group.get("interval", "1m"),
                labels=rule.get("labels", {}),
                file=path,
                alert="alert" in rule,
                hold=rule.get("for", "0s"),
                annotations=tuple(rule.get("annotations", {}).items()),
            )
