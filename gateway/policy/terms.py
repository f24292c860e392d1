"""What a provider's terms allow with a model: they differ, so that a request is fine on one and not on another."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.policy.scalars import Countries, Phrase
from gateway.scalars import Text
from gateway.validate import Strict

Distillation = Literal["forbidden", "conditional", "allowed"]
Exposure = Literal["raw", "summary", "none"]


class Terms(Strict):
    """A terms profile. models.yaml names it under `terms`; `access.terms: true` makes a policy enforce it."""

    document: Phrase = Field(description="The terms of service or licence, as a refusal names it.")
    url: Phrase | None = Field(default=None, description="Where it can be read.")
    distillation: Distillation = Field(description="Whether outputs may train other models.")
    conditions: Text | None = Field(default=None, description="Under which conditions, where it is `conditional`.")
    reasoning: Exposure = Field(default="raw", description="How much of the model's reasoning callers may have.")
    logprobs: bool = Field(default=True, description="Whether log probabilities may be asked for.")
    max_n: Annotated[int, Field(gt=0)] | None = Field(default=None, description="Most choices in one request.")
    countries: Countries | None = Field(default=None, description="The only countries served, of account and owner.")
    denied_countries: Countries | None = Field(default=None, description="Countries that are not served.")
    resale: Literal["forbidden", "allowed"] = Field(default="forbidden", description="Whether access may be resold.")
    purposes: tuple[Text, ...] | None = Field(
        default=None, min_length=1, description="Accounts must have declared one of these purposes."
    )
    minimum_age: Annotated[int, Field(gt=0, le=120)] | None = Field(default=None, description="Attested age in years.")
