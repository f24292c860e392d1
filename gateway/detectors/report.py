"""Where findings go: counters without content. `gateway.observe` has what fits, and `runtime` brings them together."""

from typing import Protocol


class Report(Protocol):
    """Called on the event loop's thread, once or more per request."""

    def signal(self, signal: str, tier: str, present: bool) -> None:
        """A signal applies to a request of an account of this tier; was it there?"""
        ...

    def ratio(self, tier: str, value: float) -> None:
        """Output tokens ÷ input tokens of a request."""
        ...

    def key_spread(self, networks: int, clients: int) -> None:
        """Distinct networks and client programs seen with the request's key in its last 24 to 48 hours."""
        ...

    def took(self, seconds: float) -> None:
        """Time that looking at one request took."""
        ...
