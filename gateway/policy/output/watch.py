"""One answer under its output rules: text in, which rule broke and how far the text may go out. Pure."""

from collections.abc import Sequence
from typing import Final

from gateway.policy.output.escapes import unescaped
from gateway.policy.output.finding import OutputFinding, State, Why
from gateway.policy.output.lane import Lane
from gateway.policy.output.rule import OutputRule, OutputRules
from gateway.policy.output.whole import KeptText

PART_END: Final = "\n\n"
"""What stands between two parts of one text: no word runs on across it, and what came before may go out."""
_LETTER: Final = "x"
"""Put beside a text's end to ask whether a match there needs the word to end: more of the word may follow."""
_SLICE: Final = 4096
"""Characters that are looked at in one go."""


class OutputWatch:
    """Follows the texts of one answer. A lane is one of them (see `gateway.dialects.output`).

    A match at the very end of what has come counts only where it would also match with a letter after it: "cat" may
    yet become "catalogue". The end of a part, and of the answer, settles it.
    """

    __slots__ = (
        "_blind", "_characters", "_finished", "_incomplete", "_kept", "_lanes", "_matched", "_pending", "_rules",
        "_searched", "broken", "late",
    )  # fmt: skip

    def __init__(self, rules: OutputRules) -> None:
        self._rules = rules
        self._lanes: dict[int, Lane] = {}
        self._kept = KeptText()
        self._matched: set[int] = set()
        self._pending: Sequence[int] = rules.sliding
        """Rules that are still looked for as text comes."""
        self._characters = 0
        self._finished = False
        self._searched = False
        self._blind: Why = ""
        """Why no rule saw everything."""
        self._incomplete = False
        """More text came than could be searched."""
        self.broken: OutputRule | None = None
        """The rule that ends this answer."""
        self.late = False
        """Text went out that was still held back."""

    def feed(self, lane: int, text: str) -> int:
        """More text of a lane, or with no text the end of a part. The lane's length so far, to be asked about."""
        self._finished = False
        self._characters += len(text)
        if self._rules.sized:
            self._count()
        more = text or PART_END
        if self._rules.later:
            self._kept.add(lane, more)
        if not self._rules.window:
            return 0
        follower = self._lanes.get(lane)
        if follower is None:
            follower = self._lanes[lane] = Lane(self._rules.window)
        for start in range(0, len(more), _SLICE):
            follower.add(more[start : start + _SLICE])
            if self._pending:
                self._slide(follower)
            follower.clear_to_blank_line()
            self._incomplete = not follower.trim() or self._incomplete
        return follower.end

    def is_past(self, lane: int, place: int) -> bool:
        """Whether the lane may go out up to `place`."""
        follower = self._lanes.get(lane)
        return follower is None or follower.is_past(place, self._rules.hold_window)

    def miss(self, why: Why) -> None:
        """Part of the answer was not seen; whatever did not match by the end is not evaluated."""
        self._blind = self._blind or why

    def give_up(self) -> None:
        """A fault of the gateway: nothing is looked for any more."""
        self._blind = "fault"
        self._searched = True

    def stop_waiting(self) -> None:
        """No more text comes, for whatever reason: what stands at the ends is what it is."""
        for lane in list(self._lanes):
            self.feed(lane, "")

    def finish(self) -> None:
        """The answer is complete. More may follow all the same, and is then finished again."""
        if self._finished:
            return
        self.stop_waiting()
        self._finished = True

    def findings(self) -> tuple[OutputFinding, ...]:
        """What came of every rule, in their order. Rules that look at the finished answer look now."""
        if self._finished and self._rules.later and not self._searched and not self._kept.lost:
            self._look_back()
        return tuple(self._finding(number, rule) for number, rule in enumerate(self._rules.rules))

    def _finding(self, number: int, rule: OutputRule) -> OutputFinding:
        why: Why = "" if number in self._matched else self._why_not(number, rule)
        state: State = "matched" if number in self._matched else "not_evaluated" if why else "clear"
        return OutputFinding(rule, state, why, ended=rule is self.broken, late=self.late and rule.holds)

    def _why_not(self, number: int, rule: OutputRule) -> Why:
        """Why the rule did not see everything; empty when it did."""
        if self._blind:
            return self._blind
        if not self._finished:
            return "cut"
        lost = self._kept.lost if number in self._rules.later else self._incomplete
        return "bound" if lost and rule.patterns else ""

    def _count(self) -> None:
        rules = self._rules.rules
        self._found([number for number in self._rules.sized if self._characters > (rules[number].max_characters or 0)])

    def _slide(self, lane: Lane) -> None:
        """Look at the end of a text that may go on."""
        for text in _readings(lane.text):
            found = self._rules.index.search(text)
            self._incomplete = self._incomplete or not found.complete
            if self._broken_by(self._pending, found.indices):
                # What matches only because the text was cut there, or ends there so far, does not match yet.
                beside = f"{_LETTER if lane.inside_word else ''}{text}{_LETTER}"
                again = self._rules.index.search(beside).indices
                self._found(self._broken_by(self._pending, found.indices & again))

    def _look_back(self) -> None:
        """Look at the whole answer."""
        self._searched = True
        for kept in self._kept.texts():
            for text in _readings(kept):
                found = self._rules.index.search(text)
                self._kept.lost = self._kept.lost or not found.complete
                self._found(self._broken_by(self._rules.later, found.indices))

    def _broken_by(self, numbers: Sequence[int], patterns: frozenset[int]) -> list[int]:
        if not patterns:
            return []
        return [number for number in numbers if not patterns.isdisjoint(self._rules.rules[number].patterns)]

    def _found(self, numbers: Sequence[int]) -> None:
        """These rules matched; the first of them that ends answers, in the rules' order, is the one that is told."""
        if not numbers:
            return
        self._matched.update(numbers)
        self._pending = [number for number in self._pending if number not in self._matched]
        for number in numbers:
            if self.broken is None and self._rules.rules[number].stops:
                self.broken = self._rules.rules[number]


def _readings(text: str) -> tuple[str, ...]:
    """As it stands, and as JSON text reads."""
    return (text, unescaped(text)) if "\\" in text else (text,)
