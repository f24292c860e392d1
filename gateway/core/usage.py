"""Token counts of one exchange, normalised so that every dialect means the same."""

from dataclasses import dataclass


@dataclass(slots=True)
class Usage:
    """Tokens of one exchange.

    `input_tokens` is all input, cached parts included (OpenAI's reading; Anthropic's parts are summed).
    `output_tokens` is all output, reasoning included. `estimated` says that the upstream reported no (full)
    usage and counted output stands in.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens
