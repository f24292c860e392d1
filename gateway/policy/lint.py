"""Lint: what loads but cannot be meant. One function per code; a code never changes its meaning."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from gateway.core.model import Model
from gateway.policy.definitions import NONE, Definitions
from gateway.policy.load import PolicyFile
from gateway.yamlio import Loaded, printable

T = TypeVar("T")
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
    catalogue: Loaded | None = None
    """models.yaml as it stands, for complaints about it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All policies at once, for checks that compare them."""

    files: Sequence[PolicyFile]
    now_ms: int
    tested: frozenset[str] = frozenset()
    """Ids of policies that a test file names or stands beside."""
    known: Known = field(default_factory=Known)
    definitions: Definitions = NONE
    whole: bool = True
    """Whether `files` are all policies of their folder: only then can something be missing."""
    _found: dict[Callable[["Scene"], Any], Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def once(self, work: Callable[["Scene"], T]) -> T:
        """What is found out about all policies together, once: to compare a thousand with each other costs seconds."""
        if work not in self._found:
            self._found[work] = work(self)
        found: T = self._found[work]
        return found


Complaints = Iterator[tuple[Path, str]]
Check = Callable[[PolicyFile, Scene], Complaints]
SharedCheck = Callable[[Scene], Complaints]


def _nothing(_file: PolicyFile, _scene: Scene) -> Complaints:
    return iter(())


def _nothing_shared(_scene: Scene) -> Complaints:
    return iter(())


@dataclass(frozen=True, slots=True)
class Rule:
    """One lint code. `check` looks at a policy, `shared` at definitions.yaml, `catalogue` at models.yaml."""

    code: str
    name: str
    severity: Severity
    check: Check = _nothing
    shared: SharedCheck = _nothing_shared
    catalogue: SharedCheck = _nothing_shared

    @property
    def anchor(self) -> str:
        """Where it is explained."""
        return f"{DOCS}#{self.code.lower()}"


@dataclass(frozen=True, slots=True, order=True)
class LintFinding:
    """One complaint at its place. `policy` is "" for what stands in no policy."""

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
        _finding(rule, file.loaded, path, message, file.policy.id)
        for file in scene.files
        for rule in rules
        for path, message in rule.check(file, scene)
    ]
    for loaded, checks in (
        (scene.definitions.loaded, [(rule, rule.shared) for rule in rules]),
        (scene.known.catalogue, [(rule, rule.catalogue) for rule in rules]),
    ):
        if loaded is not None:
            findings += [
                _finding(rule, loaded, path, message) for rule, check in checks for path, message in check(scene)
            ]
    return sorted(set(findings))


def _finding(rule: Rule, loaded: Loaded, path: Path, message: str, policy: str = "") -> LintFinding:
    place = loaded.place(path)
    return LintFinding(
        loaded.source, place.line, place.column, rule.code, rule.severity, policy, printable(message), rule.anchor
    )
