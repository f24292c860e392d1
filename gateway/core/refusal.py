"""A refusal is a value: the reason, what to tell the caller, and when to come back."""

from dataclasses import dataclass, field

from gateway.core.reasons import Reason

Detail = str | int | float | bool | None


@dataclass(slots=True)
class Refusal:
    """Why a request was not served, dialect-neutral. Dialects word it; pipeline and records carry it.

    `details` are caller-safe facts (policy, limit, scope, limit size, used, reset): they go into the body.
    `retry_after_ms` is None when waiting does not help.
    """

    reason: Reason
    message: str
    param: str | None = None
    retry_after_ms: int | None = None
    details: dict[str, Detail] = field(default_factory=dict)
    status: int | None = None
    """Only for UPSTREAM_REJECTED: the upstream's own 4xx status."""
