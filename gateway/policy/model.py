"""A policy file as it is written: every key, its type and what it means. Field order is the order of keys in a file."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.limit_grammar import Count, Money, Prompts, Rate, Slots
from gateway.policy.blocks import Match
from gateway.policy.clause import Clause
from gateway.policy.entries import OutputEntry, RuleEntry
from gateway.policy.scalars import Phrase, Scope, Until, Words
from gateway.policy.watermark import RULE, Watermark, given
from gateway.scalars import Amount, Text
from gateway.scalars import Slug as Name
from gateway.validate import Strict

Status = Literal["experimental", "testing", "stable", "deprecated"]
Mode = Literal["enforce", "audit", "off"]
EVERY_POLICY: Final = "all"
"""What a kill switch calls every policy, so that no policy can be called so."""
PER: Final = "Whose use is counted: the key's, the account's, the org's, or that of all callers."


def _all(value: Any) -> Any:
    if value is None or (isinstance(value, str) and value != "all"):
        raise ValueError("expected `all` or a mapping of criteria")
    return None if value == "all" else value


def _id(name: str) -> str:
    if name == EVERY_POLICY:
        raise ValueError("expected another id: 'all' is the switch that takes every policy out of force")
    return name


class RateLimit(Rate):
    """A token bucket: `amount` units per `window`, at most `burst` at once."""

    per: Scope = Field(description=PER)


class SlotLimit(Slots):
    """Concurrency: at most `amount` requests in flight."""

    per: Scope = Field(description=PER)


class PromptLimit(Prompts):
    """What is new: distinct prompts, or the output tokens of prompts that were new, in a hopping window."""

    per: Scope = Field(description=PER)


class CountBudget(Count):
    """At most `amount` units in a calendar period."""

    per: Scope = Field(description=PER)


class MoneyBudget(Money):
    """At most `amount` dollars in a calendar period."""

    per: Scope = Field(description=PER)


Limit = Annotated[RateLimit | SlotLimit | PromptLimit, Field(discriminator="unit")]
Budget = Annotated[CountBudget | MoneyBudget, Field(discriminator="unit")]


class Access(Strict):
    """What a request may ask for. Absent keys allow everything."""

    models: Words | None = Field(default=None, description="Models that may be used; `*` stands for any text.")
    dialects: Words | None = Field(default=None, description="Wire formats that may be used.")
    max_output_tokens: Amount | None = Field(
        default=None, description="Output cap: larger or absent caps are reduced to it."
    )
    max_n: Amount | None = Field(default=None, description="Most choices in one request.")
    logprobs: bool | None = Field(default=None, description="Whether log-probabilities may be asked for.")
    terms: bool | None = Field(default=None, description="true: enforce the terms profile of the model.")

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value:
            raise ValueError("expected at least one rule")
        return value


class OnViolation(Strict):
    """What a refused caller is told beside the facts."""

    message: Phrase | None = Field(default=None, description="Added to every refusal: what the caller can do.")
    contact: Phrase | None = Field(default=None, description="Where to ask or appeal: an address or a URL.")


class Exempt(Strict):
    """An account that a policy does not cover until a day, and who answers for it."""

    account: Text = Field(description="Account id.")
    reason: Text = Field(description="Why it is left out.")
    owner: Text = Field(description="Who answers for that.")
    until: Until = Field(description="Last day (UTC) or an exact time.")


class Policy(Strict):
    """One policy file."""

    version: Literal[1] = Field(description="Version of this language.")
    id: Annotated[Name, AfterValidator(_id)] = Field(
        description="Name, unique in the folder; refusals, records and metrics carry it."
    )
    title: Phrase = Field(description="What callers read in a refusal.")
    status: Status = Field(description="How much the policy has proven.")
    mode: Mode | None = Field(default=None, description="enforce when stable or deprecated, audit below, unless said.")
    owner: Phrase | None = Field(default=None, description="Team or person that answers for the policy.")
    clause: Clause | None = Field(default=None, description="The term of service that it encodes; shown in refusals.")
    description: Text | None = Field(default=None, description="What the policy is for.")
    match: Annotated[Match | None, BeforeValidator(_all)] = Field(description="Whom and what it covers.")
    limits: dict[Name, Limit] = Field(default_factory=dict, description="Rates and concurrency by name.")
    budgets: dict[Name, Budget] = Field(default_factory=dict, description="Calendar budgets by name.")
    access: Access | None = Field(default=None, description="What a request may ask for.")
    rules: dict[Name, RuleEntry] = Field(default_factory=dict, description="Conditions on requests, and what then.")
    output: dict[Name, OutputEntry] = Field(default_factory=dict, description="Rules on what the model writes.")
    watermark: Annotated[Watermark | None, BeforeValidator(given)] = Field(
        default=None, description="How answers can be known again."
    )
    on_violation: OnViolation = Field(default=OnViolation(), description="What a refused caller is told.")
    false_positives: Text | None = Field(
        default=None, description="How an honest caller may trip it and what to do then."
    )
    disclose: Literal["full", "clause"] = Field(
        default="full", description="How much a refusal tells; clause hides numbers."
    )
    exceptions: tuple[Exempt, ...] = Field(default=(), description="Accounts that it does not cover for a while.")

    @property
    def effective_mode(self) -> Mode:
        """The mode in force: what is not yet stable is watched before it may refuse anyone."""
        if self.mode is not None:
            return self.mode
        return "enforce" if self.status in ("stable", "deprecated") else "audit"

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Policy":
        names = [*self.limits, *self.budgets, *self.rules, *self.output, *([RULE] if self.watermark else [])]
        twice = sorted(name for name in set(names) if names.count(name) > 1)
        if twice:
            raise ValueError(f"{twice[0]!r} names two rules: refusals and records could not tell them apart")
        return self
