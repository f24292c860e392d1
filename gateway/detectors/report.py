"""Where findings go: counters without content. `gateway.observe` has what fits, and `runtime` brings them together."""

from typing import Protocol


class Report(Protocol):
    """Called on the event loop's thread, once for each request that was looked at."""

    def looked(
        self,
        tier: str,
        signals: tuple[str, ...],
        present: tuple[bool | None, ...],
        *,
        ratio: float | None,
        spread: tuple[int, int] | None,
        seconds: float,
    ) -> None:
        """What was found at a request of an account of this tier.

        `present` says of each of `signals` whether it was there, None where it does not apply. `ratio` is output tokens
        ÷ input tokens, `spread` the networks and client programs seen with the request's key in its last 24 to 48
        hours; None where nobody knows. `seconds` is what looking took.
        """
        ...
