"""What a rule does when its condition holds: the rungs of the ladder, from a note in the record to a refusal.

From mildest to strongest: flag, tag, slow, reduce, propose_suspension, declare, review, deny. Every one ends with the
rule: with its `until`, its policy's mode, an exception or a switch. Nothing here blocks an account: people do that.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, model_validator
from pydantic import Tag as Member

from gateway.scalars import Amount, Seconds
from gateway.scalars import Slug as Name
from gateway.validate import Strict, nearest

Word = Literal["flag", "propose_suspension", "declare", "review", "deny"]
WORDS: Final[dict[str, str]] = {
    "flag": "Note it in the decision record and the metrics.",
    "propose_suspension": "Note it, and show the account to people who may suspend it.",
    "declare": "Refuse until the account declares its purpose; the refusal says how.",
    "review": "Refuse until a person has looked at the account; the refusal says how to ask.",
    "deny": "Refuse.",
}
REFUSALS: Final = ("declare", "review", "deny")
"""From the mildest to the strongest."""
MAX_DELAY_S: Final = 30


class Plain(Strict):
    """An action that is one word."""

    word: Word = Field(description="The action.")


class Tag(Strict):
    """Mark the request in its decision record, so that a campaign's requests can be found together."""

    tag: Name = Field(description="The mark.")


class Slow(Strict):
    """Let it wait before it is forwarded. A smaller bucket is a limit in a policy of its own."""

    slow: Annotated[Seconds, Field(le=MAX_DELAY_S)] = Field(description=f"Duration, at most {MAX_DELAY_S}s.")


class Reduction(Strict):
    """What to take out of a request."""

    logprobs: Literal[False] | None = Field(default=None, description="false: drop the wish for log probabilities.")
    max_n: Amount | None = Field(default=None, description="Most choices.")
    max_output_tokens: Amount | None = Field(default=None, description="Largest output cap.")
    reasoning: Literal["less", "summary", "none"] | None = Field(default=None, description="What is left of it.")

    @model_validator(mode="after")
    def _takes_something(self) -> Self:
        if self.logprobs is None and (self.max_n or self.max_output_tokens or self.reasoning) is None:
            raise ValueError("expected logprobs: false, max_n, max_output_tokens or reasoning")
        return self


class Reduce(Strict):
    """Take out of the request what makes its answer worth collecting; named in `x-gateway-reduced`."""

    reduce: Reduction = Field(description="What is taken out.")


Then = Plain | Tag | Slow | Reduce


_KEYS: Final = {"tag": "Tag", "slow": "Slow", "reduce": "Reduce"}


def _then(value: Any) -> Any:
    """A word stands for itself. Said here in one sentence what every member of the union would say in its own."""
    if isinstance(value, str):
        if value not in WORDS:
            raise ValueError(f"unknown action '{value[:40]}'{nearest(value[:40], (*WORDS, *_KEYS))}")
        return {"word": value}
    if isinstance(value, dict) and (len(value) != 1 or not _KEYS.keys() & value):
        raise ValueError(f"expected one action: {', '.join(WORDS)}, or one key of {', '.join(_KEYS)}")
    return value


def _member(value: Any) -> str:
    """The class whose keys stand there."""
    if isinstance(value, dict):
        return next((name for key, name in _KEYS.items() if key in value), "Plain")
    return type(value).__name__ if isinstance(value, Then) else "Plain"


_Union = (
    Annotated[Plain, Member("Plain")]
    | Annotated[Tag, Member("Tag")]
    | Annotated[Slow, Member("Slow")]
    | Annotated[Reduce, Member("Reduce")]
)
Action = Annotated[
    _Union,
    Discriminator(_member),
    BeforeValidator(_then),
    Field(json_schema_extra=lambda schema: schema.update(anyOf=schema.pop("oneOf"))),
]


def name_of(action: Then) -> str:
    """The action in records and metrics."""
    return action.word if isinstance(action, Plain) else type(action).__name__.lower()
