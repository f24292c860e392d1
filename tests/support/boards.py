"""The dashboards as tests read them: panels, queries, and queries with their variables filled in."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser as pql

from tests.support.promql import VARIABLE

BOARDS = sorted((Path(__file__).parents[2] / "helm" / "files" / "dashboards").glob("*.json"))

FILLED = {
    "$__rate_interval": "10s",
    "$__range": "5m",
    "$job": ".+",
    "$instance": ".+",
    "$tier": ".+",
    "$policy": ".+",
}
"""What a test puts in place of the variables: everything selected, and ranges of a few scrapes."""


@dataclass(frozen=True)
class Query:
    """One query of a panel or an annotation, and where it stands."""

    board: str
    panel: str
    ref: str
    expr: str
    legend: str

    @property
    def id(self) -> str:
        return f"{self.board}: {self.panel} {self.ref}"

    @property
    def filled(self) -> str:
        """The expression that Grafana would send."""
        expr = self.expr
        for variable, value in FILLED.items():
            expr = expr.replace(variable, value)
        return expr


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels that show something; rows hold those that are folded away."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def queries(path: Path) -> list[Query]:
    """The queries of all panels and annotations."""
    board = load(path)
    found = [
        Query(path.stem, panel["title"], target["refId"], target["expr"], target["legendFormat"])
        for panel in panels(board)
        for target in panel["targets"]
    ]
    notes = board["annotations"]["list"]
    return found + [Query(path.stem, note["name"], "annotation", note["expr"], note["textFormat"]) for note in notes]


def nodes(expr: str) -> list[Any]:
    """Every node of an expression's tree; a range that is a variable counts as five minutes."""
    found: list[Any] = []
    pql.walk(pql.parse(VARIABLE.sub("[5m]", expr)), pre_visit=found.append)
    return found
