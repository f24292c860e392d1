"""Declared clusters: sets of accounts suspected to act as one, written down before anybody looked at scores.

The file's hash goes into the report: it can be shown later which sets were declared, and that there were no others.
"""

import datetime as dt
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from gateway.watermarks.evidence import Cluster
from gateway.yamlio import YamlProblems, load, read_text

MOST: Final = 100
"""Clusters of one file: each is one more test."""


class BadClusters(ValueError):  # noqa: N818 - named for what it is about
    """A file that declares no clusters; the message names the file and what was expected."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file declares, and when it says that this was written."""

    clusters: tuple[Cluster, ...]
    declared: str
    sha256: str


def read_clusters(path: Path) -> Declared:
    """Read `{declared: 2026-11-01, clusters: {NAME: [ACCOUNT, …]}}` in YAML or JSON. Raises BadClusters."""
    try:
        text = read_text(path)
        document = load(text, str(path)).value
    except YamlProblems as error:
        raise BadClusters(str(error)) from None
    try:
        clusters = tuple(_cluster(name, members) for name, members in _sets(document).items())
        declared = str(document["declared"])
        dt.date.fromisoformat(declared)
    except ValueError as error:
        raise BadClusters(f"{path}: {error}") from None
    return Declared(clusters, declared, sha256(text.encode()).hexdigest())


def _sets(document: Any) -> dict[Any, Any]:
    if not isinstance(document, dict) or document.keys() != {"declared", "clusters"}:
        raise ValueError("expected the keys declared and clusters")
    sets = document["clusters"]
    if not isinstance(sets, dict) or not 1 <= len(sets) <= MOST:
        raise ValueError(f"clusters: expected 1 to {MOST} names with lists of accounts")
    return sets


def _cluster(name: Any, members: Any) -> Cluster:
    if not isinstance(name, str) or not isinstance(members, list) or len(members) < 2:
        raise ValueError(f"clusters.{name}: expected a list of two accounts or more")
    if not all(isinstance(member, str) for member in members) or len(set(members)) < len(members):
        raise ValueError(f"clusters.{name}: expected account ids, none of them twice")
    return Cluster(name, frozenset(members))
