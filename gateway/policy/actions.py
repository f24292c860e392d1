"""What a rule does when its condition holds: the rungs of the ladder, from a note in the record to a refusal.

From mildest to strongest: flag, tag, slow, reduce, propose_suspension, declare, review, deny. Every one ends with the
rule: with its `until`, its policy's mode, an exception or a switch. Nothing here blocks an account: people do that.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from gateway.scalars import Amount, Seconds
from gateway.scalars import Slug as Name
from gateway.validate import Strict

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

    word: Word


class Tag(Strict):
    """Mark the request in its decision record, so that a campaign's requests can be found together."""

    tag: Name


class Slow(Strict):
    """Let it wait before it is forwarded. A smaller bucket is a limit in a policy of its own."""

    slow: Annotated[Seconds, Field(le=MAX_DELAY_S)] = Field(description=f"Duration, at most {MAX_DELAY_S}s.")


class Reduction(Strict):
    """What to take out of a request."""

    logprobs: Literal[False] | None = Field(default=None, description="false: drop the wish for log probabilities.")
    max_n: Amount | None = Field(default=None, description="Most choices.")
    max_output_tokens: Amount | None = Field(default=None, description="Largest output cap.")
    reasoning: Literal["less", "summary", "none"] | None = Field(default=None, description="What is left of it.")


class Reduce(Strict):
    """Take out of the request what makes its answer worth collecting; named in `x-gateway-reduced`."""

    reduce: Reduction


Then = Plain | Tag | Slow | Reduce


def _then(value: Any) -> Any:
    """A word stands for itself."""
    if isinstance(value, str):
        return {"word": value}
    if isinstance(value, dict) and "word" in value:
        raise ValueError("unknown key 'word'")
    return value


Action = Annotated[Then, BeforeValidator(_then)]


def name_of(action: Then) -> str:
    """The action in records and metrics."""
    return action.word if isinstance(action, Plain) else type(action).__name__.lower()
