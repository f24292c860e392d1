"""What came of one rule for one answer."""

from dataclasses import dataclass
from typing import Literal

from gateway.policy.output.rule import OutputRule

State = Literal["matched", "clear", "not_evaluated"]
Why = Literal["", "unreadable", "cut", "bound", "fault"]
"""Why a rule was not evaluated: part of the answer could not be read, did not come, was more than is kept, or the
gateway failed."""


@dataclass(frozen=True, slots=True)
class OutputFinding:
    """`clear` is said only of a rule that saw all of the answer.

    `ended` says that this rule ended the answer. `late` says of a rule that holds back that some text went out before
    it was past the rule, because more would have waited than is held.
    """

    rule: OutputRule
    state: State
    why: Why = ""
    ended: bool = False
    late: bool = False
