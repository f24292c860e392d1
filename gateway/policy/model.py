"""A policy file as it is written: every key, its type and what it means. Field order is the order of keys in a file."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from gateway.policy.scalars import (
    Amount,
    Countries,
    ModelSet,
    Name,
    NanoDollars,
    Phrase,
    Seconds,
    Text,
    Until,
    Words,
    Zone,
)
from gateway.validate import Strict

Status = Literal["experimental", "testing", "stable", "deprecated"]
Mode = Literal["enforce", "audit", "off"]
Scope = Literal["key", "account", "org", "all"]
CountedUnit = Literal[
    "requests", "input_tokens", "output_tokens", "total_tokens", "reasoning_tokens", "logprob_requests"
]


class Match(Strict):
    """Whom and what a policy covers. Every key that is given must hold; a list holds when one of its words does."""

    tier: Words | None = Field(default=None, description="Named class of account.")
    account: Words | None = Field(default=None, description="Account id.")
    org: Words | None = Field(default=None, description="Org id.")
    country: Countries | None = Field(default=None, description="Two capital letters (ISO 3166), or `unknown`.")
    verified: bool | None = Field(default=None, description="Whether the account's identity was verified.")
    declared_purpose: Words | None = Field(default=None, description="The purpose that the account declared.")
    tags: Words | None = Field(default=None, description="The account has at least one of these tags.")
    model: Words | None = Field(default=None, description="Model id or alias; `*` stands for any text.")
    dialect: Words | None = Field(default=None, description="Wire format of the route, for example openai-chat.")
    not_: "Match | None" = Field(default=None, alias="not", description="Holds when this inner match does not.")

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        if isinstance(value, dict) and (not value or any(inner is None for inner in value.values())):
            raise ValueError(
                "an empty match or criterion covers nothing in particular: write `match: all` to cover all"
            )
        return value


def _all(value: Any) -> Any:
    if value is None or (isinstance(value, str) and value != "all"):
        raise ValueError("expected `all` or a mapping of criteria")
    return None if value == "all" else value


class Clause(Strict):
    """The term of service that a policy encodes."""

    document: Phrase
    section: Phrase | None = None
    url: Phrase | None = None


class RateLimit(Strict):
    """A token bucket: `amount` units per `window`, at most `burst` at once."""

    unit: CountedUnit
    per: Scope = Field(description="Whose use is counted: the key's, the account's, the org's, or that of all callers.")
    amount: Amount
    window: Seconds = Field(description="Duration: 1m, 1h …")
    burst: Amount | None = Field(default=None, description="Most units at once; the amount when absent.")
    models: ModelSet = "all"


class SlotLimit(Strict):
    """Concurrency: at most `amount` requests in flight."""

    unit: Literal["concurrent"]
    per: Scope
    amount: Amount
    models: ModelSet = "all"


class PromptLimit(Strict):
    """What is new: distinct prompts, or the output tokens of prompts that were new, in a hopping window."""

    unit: Literal["distinct_prompts", "unique_output_tokens"]
    per: Scope
    amount: Amount
    window: Annotated[Seconds, Field(ge=3600, le=90 * 86_400)] = Field(description="Duration from 1h to 90d.")
    models: ModelSet = "all"


class _Calendar(Strict):
    """What both kinds of budget share."""

    per: Scope
    period: Literal["day", "month"]
    zone: Zone = Field(default="UTC", description="IANA zone in which the period starts at midnight.")
    anchor_day: Annotated[int, Field(ge=1, le=31)] | None = Field(
        default=None, description="Day of the month on which a month starts; 29 to 31 clamp to the month's end."
    )
    models: ModelSet = "all"

    @model_validator(mode="after")
    def _anchor_is_monthly(self) -> "_Calendar":
        if self.anchor_day is not None and self.period != "month":
            raise ValueError("anchor_day goes with period: month")
        return self


class CountBudget(_Calendar):
    """At most `amount` units in a calendar period."""

    unit: CountedUnit
    amount: Amount


class MoneyBudget(_Calendar):
    """At most `amount` dollars in a calendar period."""

    unit: Literal["usd"]
    amount: NanoDollars = Field(description="Dollars, for example 25 or 0.50.")


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

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value:
            raise ValueError("expected at least one rule")
        return value


class OnViolation(Strict):
    """What a refused caller is told beside the facts."""

    message: Phrase | None = None
    contact: Phrase | None = Field(default=None, description="Where to ask or appeal: an address or a URL.")


class Exempt(Strict):
    """An account that a policy does not cover until a day, and who answers for it."""

    account: Text
    reason: Text
    owner: Text
    until: Until = Field(description="Last day (UTC) or an exact time.")


class Policy(Strict):
    """One policy file."""

    version: Literal[1]
    id: Name
    title: Phrase = Field(description="What callers read in a refusal.")
    status: Status
    mode: Mode | None = Field(default=None, description="enforce when stable or deprecated, audit below, unless said.")
    owner: Phrase | None = Field(default=None, description="Team or person that answers for the policy.")
    clause: Clause | None = None
    description: Text | None = None
    match: Annotated[Match | None, BeforeValidator(_all)]
    limits: dict[Name, Limit] = Field(default_factory=dict)
    budgets: dict[Name, Budget] = Field(default_factory=dict)
    access: Access | None = None
    on_violation: OnViolation = OnViolation()
    false_positives: Text | None = Field(
        default=None, description="How an honest caller may trip it and what to do then."
    )
    disclose: Literal["full", "clause"] = Field(
        default="full", description="How much a refusal tells; clause hides numbers."
    )
    exceptions: tuple[Exempt, ...] = ()

    @property
    def effective_mode(self) -> Mode:
        """The mode in force: what is not yet stable is watched before it may refuse anyone."""
        if self.mode is not None:
            return self.mode
        return "enforce" if self.status in ("stable", "deprecated") else "audit"

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Policy":
        both = sorted(self.limits.keys() & self.budgets.keys())
        if both:
            raise ValueError(f"{both[0]!r} names a limit and a budget: refusals could not tell them apart")
        return self
