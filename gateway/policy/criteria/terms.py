"""`terms`: what the terms of the model say, so that a policy on distillation leaves models alone that allow it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.scalars import Words
from gateway.policy.situation import Situation
from gateway.policy.terms import Distillation, Exposure
from gateway.policy.traffic import Traffic
from gateway.scalars import one_or_many
from gateway.validate import Strict

_Many = BeforeValidator(one_or_many)


class TermsMatch(Strict):
    """Every key that is given must hold of the model's profile; a model without a profile matches `unknown` only."""

    profile: Words | None = Field(default=None, description="Name of the profile; `unknown` where a model has none.")
    distillation: Annotated[tuple[Distillation, ...], _Many, Field(min_length=1)] | None = Field(
        default=None, description="Whether outputs may train other models."
    )
    reasoning: Annotated[tuple[Exposure, ...], _Many, Field(min_length=1)] | None = Field(
        default=None, description="How much of the model's reasoning callers may have."
    )
    resale: Annotated[tuple[Literal["forbidden", "allowed"], ...], _Many, Field(min_length=1)] | None = Field(
        default=None, description="Whether access may be resold."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not _given(self):
            raise ValueError("expected profile, distillation, reasoning or resale")
        return self


def _given(value: TermsMatch) -> dict[str, tuple[str, ...]]:
    return {key: words for key in TermsMatch.model_fields if (words := getattr(value, key)) is not None}


def _compile(value: TermsMatch, compiling: Compiling) -> WhomTest:
    given = _given(value)

    def test(here: Situation) -> bool:
        name = here.model.terms or "unknown"
        profile: Any = compiling.terms(here.model.terms)
        return all((name if key == "profile" else getattr(profile, key, None)) in words for key, words in given.items())

    return test


def _fact(here: Situation) -> str:
    return here.model.terms or "unknown"


def _traffic(value: TermsMatch, traffic: Traffic) -> Traffic:
    words = tuple(f"{key}={word}" for key, many in _given(value).items() for word in many)
    return traffic.on_models_with("terms", words)


CRITERION: Whom = Whom("terms", "terms_match", "terms_differ", _compile, _fact, _traffic)
