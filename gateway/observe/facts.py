"""What rules could look at in one request, for its decision record: numbers, words of closed lists, never content.

The facts of the account stand under the names that policies use for them. None: nobody looked, or it is not known.
"""

from msgspec import Struct


class FactsRecord(Struct, gc=False):
    """Of one request whose plan was made. The members from `client_country` on are read only where rules were asked.

    `max_output` is what the caller asked for, the model's maximum where it named none. `prompt_tokens` is an estimate.
    """

    country: str
    owner_country: str
    verified: bool
    declared_purpose: str
    tags: tuple[str, ...]
    account_age_s: int | None
    attested_age: int
    standing: str
    n: int
    logprobs: bool
    max_output: int
    prompt_tokens: int
    user_turns: int
    client_country: str | None = None
    top_logprobs: int | None = None
    temperature: float | None = None
    seed: bool | None = None
    reasoning: bool | None = None
    tools: int | None = None
    response_format: str | None = None
    messages: int | None = None
    images: int | None = None
    media: int | None = None
    odd: tuple[str, ...] | None = None
    """Fields with a value that the API does not publish, such as a number written as text."""
