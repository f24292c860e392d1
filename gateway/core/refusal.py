"""A refusal is a value: the reason, what to tell the caller, and when to come back."""

from dataclasses import dataclass

from gateway.core.reasons import Reason

Detail = str | int | float | bool | None


@dataclass(slots=True, init=False)
class Refusal:
    """Why a request was not served, dialect-neutral. Dialects word it; pipeline and records carry it.

    `details` are caller-safe facts (policy, limit, scope, limit size, used, reset): they go into the body.
    `retry_after_ms` is None when waiting does not help.
    """

    reason: Reason
    message: str
    param: str | None
    retry_after_ms: int | None
    details: dict[str, Detail]
    status: int | None
    """Only for UPSTREAM_REJECTED: the upstream's own 4xx status."""

    # Written out: what a dataclass makes is never compiled, and a flood of refusals must cost little.
    def __init__(
        self,
        reason: Reason,
        message: str,
        param: str | None = None,
        retry_after_ms: int | None = None,
        details: dict[str, Detail] | None = None,
        *,
        status: int | None = None,
    ) -> None:
        self.reason = reason
        self.message = message
        self.param = param
        self.retry_after_ms = retry_after_ms
        self.details = details if details is not None else {}
        self.status = status
