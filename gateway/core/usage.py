"""Token counts of one exchange, normalised so that every dialect means the same."""

from dataclasses import dataclass


@dataclass(slots=True, init=False)
class Usage:
    """Tokens of one exchange.

    `input_tokens` is all input, cached parts included (OpenAI's reading; Anthropic's parts are summed).
    `output_tokens` is all output, reasoning included. `estimated` says that the upstream reported no (full)
    usage and counted output stands in.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    estimated: bool

    # Written out: what a dataclass makes is never compiled, and every answer has one.
    def __init__(
        self,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        reasoning_tokens: int = 0,
        *,
        estimated: bool = False,
    ) -> None:
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.cache_read_tokens = cache_read_tokens
        self.cache_write_tokens = cache_write_tokens
        self.reasoning_tokens = reasoning_tokens
        self.estimated = estimated

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens
