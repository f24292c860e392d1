"""One rule on what the model writes, and all those of a plan. Immutable and shared between requests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from gateway.core import reasons
from gateway.core.refusal import Refusal

MAX_WINDOW: Final = 1024
"""Characters of matching form that a match in a stream can span. Longer ones are found afterwards only."""

Mode = Literal["enforce", "audit"]
How = Literal["hold_back", "windowed", "after"]
Action = Literal["stop", "flag"]


class Found(Protocol):
    """What a search came to: which patterns occur, and whether all of the text was looked at."""

    @property
    def indices(self) -> frozenset[int]: ...

    @property
    def complete(self) -> bool: ...


class Searcher(Protocol):
    """Many patterns, looked for at once in the matching form of a text."""

    def search(self, text: str) -> Found: ...


@dataclass(frozen=True, slots=True)
class OutputRule:
    """Broken by any of its patterns, or by more characters in an answer (all choices together) than its maximum.

    `window` is how many characters of matching form a match can span. `refusal` is what a caller is told whose answer
    this rule ends; without one it hears policy and rule.
    """

    policy_id: str
    rule: str
    mode: Mode
    how: How
    action: Action
    patterns: tuple[int, ...] = ()
    max_characters: int | None = None
    window: int = 0
    refusal: Refusal | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for what no stream could be judged by."""
        if self.how == "after" and self.action == "stop":
            raise ValueError("a rule that looks at the finished answer cannot stop it")
        if self.patterns and self.how != "after" and not 1 <= self.window <= MAX_WINDOW:
            raise ValueError(f"a match in a stream spans 1 to {MAX_WINDOW} characters")

    @property
    def stops(self) -> bool:
        """Whether it ends answers; all others only leave a finding."""
        return self.mode == "enforce" and self.action == "stop"

    @property
    def holds(self) -> bool:
        """Whether text waits until it is past this rule. A count of characters needs no waiting."""
        return self.stops and self.how == "hold_back" and bool(self.patterns)

    def denial(self) -> Refusal:
        """A refusal of one's own: the rule is shared between requests."""
        given = self.refusal
        if given is None:
            message = f"the answer was stopped by rule '{self.rule}' of policy '{self.policy_id}'"
            return Refusal(reasons.OUTPUT_DENIED, message, details={"policy": self.policy_id, "rule": self.rule})
        return Refusal(given.reason, given.message, details=dict(given.details))


@dataclass(frozen=True, slots=True)
class OutputRules:
    """The output rules that apply to one plan. `index` knows the patterns of all of them.

    A pattern's end-of-text anchors mean nothing here: a stream has many ends.
    """

    rules: tuple[OutputRule, ...]
    index: Searcher
    stops: bool = field(init=False)
    """Whether any of them can end an answer."""
    hold_window: int = field(init=False)
    """Characters that wait; 0 where nothing is held back."""
    window: int = field(init=False)
    """Characters that are kept for matching as text comes; 0 where nothing is matched then."""
    sliding: tuple[int, ...] = field(init=False)
    """Numbers of the rules that are matched as text comes."""
    later: tuple[int, ...] = field(init=False)
    """Numbers of the rules that are matched when the answer is complete."""
    sized: tuple[int, ...] = field(init=False)
    """Numbers of the rules with a most of characters."""

    def __post_init__(self) -> None:
        rules: Sequence[OutputRule] = self.rules
        matching = [number for number, rule in enumerate(rules) if rule.patterns]
        derived: dict[str, object] = {
            "stops": any(rule.stops for rule in rules),
            "hold_window": max((rule.window for rule in rules if rule.holds), default=0),
            "window": max((rules[number].window for number in matching if rules[number].how != "after"), default=0),
            "sliding": tuple(number for number in matching if rules[number].how != "after"),
            "later": tuple(number for number in matching if rules[number].how == "after"),
        }
        derived["sized"] = tuple(number for number, rule in enumerate(rules) if rule.max_characters is not None)
        for name, value in derived.items():
            object.__setattr__(self, name, value)  # how a frozen dataclass is given what follows from its fields
