"""How an exchange ended: the one word that settlement, metrics and the decision record share."""

from enum import StrEnum


class Outcome(StrEnum):
    """The end of an exchange. Every exchange has exactly one; a value never changes its meaning."""

    REFUSED = "refused"
    """The gateway said no before anything was sent."""
    UPSTREAM_FAILED = "upstream_failed"
    """No upstream took the request: connect error, 429 or 5xx before the first byte of an answer."""
    UPSTREAM_REJECTED = "upstream_rejected"
    """The upstream called the request invalid (4xx)."""
    COMPLETE = "complete"
    """The whole answer was delivered."""
    CLIENT_GONE = "client_gone"
    """The caller left before the answer was delivered."""
    UPSTREAM_CUT = "upstream_cut"
    """The upstream accepted the request, then broke off or sent an error event."""
    TIMED_OUT = "timed_out"
    """A timer of ours ended it."""
    BUDGET_ENDED = "budget_ended"
    """A hard budget ran out mid-stream; the stream was ended in the dialect's own way."""
    POLICY_ENDED = "policy_ended"
    """A policy's output rule ended the stream, or kept the whole answer from the caller."""
    SHUTDOWN = "shutdown"
    """The gateway stopped and the grace period was over."""
    INTERNAL_ERROR = "internal_error"
    """A fault of the gateway."""
