"""Lint: what loads but cannot be meant. One function per code; a code never changes its meaning."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.core.model import Model
from gateway.policy.load import PolicyFile

Severity = Literal["error", "warning"]
Path = tuple[str | int, ...]
DOCS: Final = "docs/policies.md"


@dataclass(frozen=True, slots=True)
class Known:
    """What the rest of the configuration knows. None: not given, and what depends on it is not checked."""

    models: tuple[Model, ...] | None = None
    tiers: frozenset[str] | None = None
    accounts: frozenset[str] | None = None
    orgs: frozenset[str] | None = None
    dialects: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """All policies at once, for checks that compare them."""

    files: Sequence[PolicyFile]
    now_ms: int
    tested: frozenset[str] = frozenset()
    """Ids of policies that a test file names or stands beside."""
    known: Known = field(default_factory=Known)


Complaints = Iterator[tuple[Path, str]]
Check = Callable[[PolicyFile, Scene], Complaints]


@dataclass(frozen=True, slots=True)
class Rule:
    """One lint code."""

    code: str
    name: str
    severity: Severity
    check: Check

    @property
    def anchor(self) -> str:
        """Where it is explained."""
        return f"{DOCS}#{self.code.lower()}"


@dataclass(frozen=True, slots=True, order=True)
class LintFinding:
    """One complaint at its place."""

    source: str
    line: int
    column: int
    code: str
    severity: Severity
    policy: str
    message: str
    docs: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}: {self.severity} {self.code}: {self.message}"


def lint(scene: Scene, rules: Sequence[Rule]) -> list[LintFinding]:
    """Every complaint of every rule, in the order of files and lines."""
    findings = [
        _finding(rule, file, path, message)
        for file in scene.files
        for rule in rules
        for path, message in rule.check(file, scene)
    ]
    return sorted(findings)


def _finding(rule: Rule, file: PolicyFile, path: Path, message: str) -> LintFinding:
    place = file.loaded.place(path)
    return LintFinding(
        file.loaded.source, place.line, place.column, rule.code, rule.severity, file.policy.id, message, rule.anchor
    )
