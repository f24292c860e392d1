"""`match` and `when` as they are written: a key for each criterion, and all, any, not and use to join them."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from gateway.policy.bounds import Count, Duration, Quantity
from gateway.policy.criteria.terms import TermsMatch
from gateway.policy.criteria.text import TextMatch
from gateway.policy.criteria.time import Hours
from gateway.policy.criteria.usage import Usage
from gateway.policy.scalars import Countries, Headers, Networks, Words
from gateway.scalars import Slug as Name
from gateway.scalars import one_or_many
from gateway.validate import Strict

Standing = Literal["clear", "watched", "limited", "blocked"]
Format = Literal["text", "json_object", "json_schema", "other"]
Formats = Annotated[tuple[Format, ...], BeforeValidator(one_or_many), Field(min_length=1)]
Standings = Annotated[tuple[Standing, ...], BeforeValidator(one_or_many), Field(min_length=1)]


class _Says(Strict):
    """A block that joins criteria."""

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        if isinstance(value, dict) and (not value or any(inner is None for inner in value.values())):
            raise ValueError(
                "an empty match or criterion covers nothing in particular: write `match: all` to cover all"
            )
        return value


class WhomKeys(_Says):
    """Criteria on what is known before the body. A list holds when one of its words does."""

    tier: Words | None = Field(default=None, description="Named class of account.")
    account: Words | None = Field(default=None, description="Account id.")
    org: Words | None = Field(default=None, description="Org id.")
    key: Words | None = Field(default=None, description="Public id of the key.")
    country: Countries | None = Field(default=None, description="Two capital letters (ISO 3166), or `unknown`.")
    owner_country: Countries | None = Field(default=None, description="Where its beneficial owners are, or `unknown`.")
    verified: bool | None = Field(default=None, description="Whether the account's identity was verified.")
    declared_purpose: Words | None = Field(default=None, description="The purpose it declared, or `undeclared`.")
    tags: Words | None = Field(default=None, description="The account has at least one of these tags.")
    account_age: Duration | None = Field(default=None, description="How long ago the account was made.")
    attested_age: Count | None = Field(default=None, description="Attested age of its holder in years; 0 if none was.")
    standing: Standings | None = Field(default=None, description="What people decided about the account.")
    model: Words | None = Field(default=None, description="Model id or alias; `*` stands for any text.")
    family: Words | None = Field(default=None, description="Family of the model.")
    dialect: Words | None = Field(default=None, description="Wire format of the route, for example chat.")
    route: Words | None = Field(default=None, description="Path that was called, for example /v1/messages.")
    upstream: Words | None = Field(default=None, description="An upstream that may serve the model.")
    terms: TermsMatch | None = Field(default=None, description="What the terms of the model say.")


class AskedKeys(WhomKeys):
    """Criteria on the request itself, beside those on whom it comes from."""

    headers: Headers | None = Field(default=None, description="Values by header; `*` stands for any text.")
    address: Networks | None = Field(default=None, description="The caller's address is in one of these networks.")
    client_country: Countries | None = Field(default=None, description="Country of the caller's address.")
    time: Hours | None = Field(default=None, description="Hours and days.")
    stream: bool | None = Field(default=None, description="Whether the answer is streamed.")
    n: Count | None = Field(default=None, description="Choices asked for.")
    logprobs: bool | None = Field(default=None, description="Whether log probabilities are asked for.")
    top_logprobs: Count | None = Field(default=None, description="Most alternatives asked for at a token.")
    temperature: Quantity | None = Field(default=None, description="Sampling temperature, where one is given.")
    seed: bool | None = Field(default=None, description="Whether a seed is given.")
    max_output: Count | None = Field(default=None, description="Output tokens asked for, or the model's maximum.")
    reasoning: bool | None = Field(default=None, description="Whether reasoning is asked for.")
    tools: Count | None = Field(default=None, description="Tools declared.")
    response_format: Formats | None = Field(default=None, description="Form that the answer must have.")
    messages: Count | None = Field(default=None, description="Messages, input items or prompts.")
    user_turns: Count | None = Field(default=None, description="Messages of a user.")
    prompt_tokens: Count | None = Field(default=None, description="A quarter of the request's bytes of text.")
    images: Count | None = Field(default=None, description="Pictures.")
    media: Count | None = Field(default=None, description="Sounds, videos and files.")
    token_ids: bool | None = Field(default=None, description="Whether a prompt is given as token ids.")
    text: TextMatch | None = Field(default=None, description="What the caller wrote.")
    usage: Usage | None = Field(default=None, description="How full a limit was after the account's last request.")
    distinct_prompts: Count | None = Field(default=None, description="Different prompts that a limit has counted.")


class Match(WhomKeys):
    """Whom and what a policy covers. Every key that is given must hold."""

    all: Annotated[tuple["Match", ...], BeforeValidator(one_or_many), Field(min_length=1)] | None = Field(
        default=None, description="Every one of these holds."
    )
    any: Annotated[tuple["Match", ...], BeforeValidator(one_or_many), Field(min_length=1)] | None = Field(
        default=None, description="At least one of these holds."
    )
    not_: "Match | None" = Field(default=None, alias="not", description="Holds when this inner match does not.")
    use: Name | None = Field(default=None, description="A fragment of definitions.yaml holds.")


class When(AskedKeys):
    """When a rule acts. Every key that is given must hold."""

    all: Annotated[tuple["When", ...], BeforeValidator(one_or_many), Field(min_length=1)] | None = Field(
        default=None, description="Every one of these holds."
    )
    any: Annotated[tuple["When", ...], BeforeValidator(one_or_many), Field(min_length=1)] | None = Field(
        default=None, description="At least one of these holds."
    )
    not_: "When | None" = Field(default=None, alias="not", description="Holds when this inner condition does not.")
    use: Name | None = Field(default=None, description="A fragment of definitions.yaml holds.")


Block = Match | When
