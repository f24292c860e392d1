"""Rules as they are written: when, then, and for how long; and rules on what a model writes."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.policy.actions import Action, Plain, Tag
from gateway.policy.blocks import When
from gateway.policy.clause import Clause
from gateway.policy.criteria.text import TextMatch
from gateway.policy.output.rule import MAX_WINDOW
from gateway.policy.scalars import Until
from gateway.scalars import Seconds
from gateway.validate import Strict

LEAST_CALLS = 50
"""Fewer calls say nothing about an account: one class exercise is a share of one."""


class Share(Strict):
    """How much of an account's traffic must meet the condition before the rule acts."""

    at_least: Annotated[float, Field(gt=0, le=1)] = Field(description="Share of the calls, such as 0.3.")
    calls: Annotated[int, Field(ge=LEAST_CALLS, le=10_000)] = Field(
        default=LEAST_CALLS, description="Over so many calls at least; older ones fade."
    )


class RuleEntry(Strict):
    """One rule: when it holds of a request, then something is done about it."""

    when: When = Field(description="The condition.")
    then: Action = Field(description="What is done about a request of which it holds.")
    share: Share | None = Field(default=None, description="Act on accounts of which so many calls meet the condition.")
    per_request: bool = Field(default=False, description="A text match alone may act on a single request.")
    unknown: Literal["record", "act"] = Field(
        default="record",
        description="Where nobody can know whether the condition holds: note that, or act.",
    )
    hold: Seconds | None = Field(default=None, description="With share: go on so long after it was reached.")
    until: Until | None = Field(default=None, description="Last day (UTC) or exact time at which the rule acts.")
    clause: Clause | None = Field(default=None, description="The term it encodes, when not the policy's.")

    @model_validator(mode="after")
    def _text_needs_more_than_one_match(self) -> Self:
        if self.hold is not None and self.share is None:
            raise ValueError("hold goes with share: it says how long the rule goes on after the share was reached")
        if self.per_request and self.share is not None:
            raise ValueError("expected per_request or share, not both")
        return self

    @property
    def only_notes(self) -> bool:
        """Whether it changes nothing for the caller."""
        return isinstance(self.then, Tag) or (isinstance(self.then, Plain) and self.then.word == "flag")


class OutputEntry(Strict):
    """One rule on what the model writes."""

    text: TextMatch | None = Field(default=None, description="Phrases, words or patterns in the answer.")
    max_characters: Annotated[int, Field(gt=0, le=10_000_000)] | None = Field(
        default=None, description="Longest answer, in characters of its text."
    )
    how: Literal["hold_back", "windowed", "after"] = Field(
        description="hold_back: nothing of a match goes out; windowed: the answer ends at a match; after: it is noted."
    )
    window: Annotated[int, Field(gt=0, le=MAX_WINDOW)] | None = Field(
        default=None, description="Most characters that a match of its patterns takes; phrases know their own."
    )
    then: Literal["stop", "flag"] = Field(
        default="flag", description="stop: the answer ends with an error; flag: it is noted."
    )
    until: Until | None = Field(default=None, description="Last day (UTC) or exact time at which the rule acts.")

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        if self.text is None and self.max_characters is None:
            raise ValueError("expected text, max_characters or both")
        if self.how == "after" and self.then == "stop":
            raise ValueError("how: after looks at an answer that has been sent: expected then: flag")
        return self
