"""The closed catalogue of reason codes: what callers branch on, metrics count and docs explain.

A code never changes its meaning. Dialects turn a reason's kind into a status and an error type of their own.
"""

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """What sort of refusal it is: enough for a dialect to pick its status, type and retry headers."""

    UNAUTHENTICATED = auto()
    FORBIDDEN = auto()
    NOT_FOUND = auto()
    METHOD = auto()
    INVALID = auto()
    MEDIA_TYPE = auto()
    TOO_LARGE = auto()
    HEADERS_TOO_LARGE = auto()
    SLOW_REQUEST = auto()
    THROTTLED = auto()
    EXHAUSTED = auto()
    OVERLOADED = auto()
    UPSTREAM = auto()
    UPSTREAM_TIMEOUT = auto()
    UPSTREAM_REJECTED = auto()
    INTERNAL = auto()

    __hash__ = object.__hash__  # a member is itself and nothing else; Enum's own hash is Python and hashes a name


@dataclass(frozen=True, slots=True, eq=False)
class Reason:
    """One catalogued reason, and the only object that is it: compared by identity. `meaning` is for the person on call;
    callers read the refusal's message.
    """

    code: str
    kind: Kind
    meaning: str


INVALID_API_KEY = Reason("invalid_api_key", Kind.UNAUTHENTICATED, "the key is missing, unknown, revoked or expired")
CONFLICTING_CREDENTIALS = Reason(
    "conflicting_credentials", Kind.INVALID, "Authorization and x-api-key name different keys"
)
ACCOUNT_SUSPENDED = Reason("account_suspended", Kind.FORBIDDEN, "the account or its org is suspended, or it is blocked")
POLICY_DENIED = Reason("policy_denied", Kind.FORBIDDEN, "a policy forbids the model, route or parameter")
REVIEW_REQUIRED = Reason("review_required", Kind.FORBIDDEN, "a policy asks for a person's review of the account first")
PURPOSE_REQUIRED = Reason("purpose_required", Kind.FORBIDDEN, "a policy asks the account to declare its purpose first")
OUTPUT_DENIED = Reason("output_denied", Kind.FORBIDDEN, "a policy forbids what the model wrote")
MODEL_NOT_FOUND = Reason("model_not_found", Kind.NOT_FOUND, "no model of that name in this dialect for this key")
RECEIPT_NOT_FOUND = Reason("receipt_not_found", Kind.NOT_FOUND, "no receipt with that id for this account")
UNKNOWN_ROUTE = Reason("unknown_route", Kind.NOT_FOUND, "the path is not served")
METHOD_NOT_ALLOWED = Reason("method_not_allowed", Kind.METHOD, "the path is served with another method")
UPGRADE_REFUSED = Reason("upgrade_refused", Kind.INVALID, "WebSocket and other upgrades are not served")
INVALID_REQUEST = Reason("invalid_request", Kind.INVALID, "the HTTP request is malformed or ambiguous")
INVALID_JSON = Reason("invalid_json", Kind.INVALID, "the body is not one strict JSON object")
INVALID_FIELD = Reason("invalid_field", Kind.INVALID, "a field has the wrong type or value")
UNSUPPORTED_FIELD = Reason("unsupported_field", Kind.INVALID, "a field is not accepted for this model")
UNSUPPORTED_MEDIA_TYPE = Reason("unsupported_media_type", Kind.MEDIA_TYPE, "the body is not application/json")
UNSUPPORTED_ENCODING = Reason("unsupported_encoding", Kind.MEDIA_TYPE, "compressed request bodies are refused")
BODY_TOO_LARGE = Reason("body_too_large", Kind.TOO_LARGE, "the body is over the configured limit")
HEADERS_TOO_LARGE = Reason("headers_too_large", Kind.HEADERS_TOO_LARGE, "the request head is over the limit")
REQUEST_TIMEOUT = Reason("request_timeout", Kind.SLOW_REQUEST, "the head or body arrived too slowly")
RATE_LIMIT_EXCEEDED = Reason("rate_limit_exceeded", Kind.THROTTLED, "a rate limit has no room now")
CONCURRENCY_LIMIT_EXCEEDED = Reason(
    "concurrency_limit_exceeded", Kind.THROTTLED, "too many requests of this scope are in flight"
)
INSUFFICIENT_QUOTA = Reason("insufficient_quota", Kind.EXHAUSTED, "a calendar budget is used up")
REQUEST_EXCEEDS_LIMIT = Reason(
    "request_exceeds_limit",
    Kind.INVALID,
    "the request is larger than a limit ever allows: waiting will not help",
)
PRICE_UNKNOWN = Reason("price_unknown", Kind.FORBIDDEN, "a money budget applies and the model has no price")
LIMITER_UNAVAILABLE = Reason("limiter_unavailable", Kind.OVERLOADED, "the usage store did not answer")
OVERLOADED = Reason("overloaded", Kind.OVERLOADED, "the gateway is at a capacity limit of its own")
DRAINING = Reason("draining", Kind.OVERLOADED, "the gateway is shutting down")
UPSTREAM_UNAVAILABLE = Reason("upstream_unavailable", Kind.UPSTREAM, "no upstream could be reached")
UPSTREAM_ERROR = Reason("upstream_error", Kind.UPSTREAM, "the upstream failed or broke the protocol")
UPSTREAM_CREDENTIALS = Reason(
    "upstream_credentials", Kind.UPSTREAM, "the upstream refused the gateway's own credential"
)
UPSTREAM_BUSY = Reason("upstream_busy", Kind.OVERLOADED, "the upstream is rate limiting or overloaded")
UPSTREAM_TIMEOUT = Reason("upstream_timeout", Kind.UPSTREAM_TIMEOUT, "the upstream did not answer in time")
UPSTREAM_REJECTED = Reason("upstream_rejected", Kind.UPSTREAM_REJECTED, "the upstream refused the request as invalid")
INTERNAL_ERROR = Reason("internal_error", Kind.INTERNAL, "a fault of the gateway; the log has the request id")

REASONS: tuple[Reason, ...] = (
    INVALID_API_KEY, CONFLICTING_CREDENTIALS, ACCOUNT_SUSPENDED, POLICY_DENIED, REVIEW_REQUIRED,
    PURPOSE_REQUIRED, OUTPUT_DENIED, MODEL_NOT_FOUND, RECEIPT_NOT_FOUND, UNKNOWN_ROUTE,
    METHOD_NOT_ALLOWED, UPGRADE_REFUSED, INVALID_REQUEST, INVALID_JSON, INVALID_FIELD, UNSUPPORTED_FIELD,
    UNSUPPORTED_MEDIA_TYPE, UNSUPPORTED_ENCODING, BODY_TOO_LARGE, HEADERS_TOO_LARGE, REQUEST_TIMEOUT,
    RATE_LIMIT_EXCEEDED, CONCURRENCY_LIMIT_EXCEEDED, INSUFFICIENT_QUOTA, REQUEST_EXCEEDS_LIMIT, PRICE_UNKNOWN,
    LIMITER_UNAVAILABLE, OVERLOADED, DRAINING, UPSTREAM_UNAVAILABLE, UPSTREAM_ERROR, UPSTREAM_CREDENTIALS,
    UPSTREAM_BUSY, UPSTREAM_TIMEOUT, UPSTREAM_REJECTED, INTERNAL_ERROR,
)  # fmt: skip

OUTPUT_REDUCED = "output_reduced"
"""Why a request was changed, not refused: its output cap was lowered."""

NOT_EVALUATED = "not_evaluated"
"""Why a rule said nothing: it could not be found out whether its condition held."""
ACTIONS = {
    "flag": "flagged",
    "tag": "tagged",
    "slow": "slowed",
    "reduce": "request_reduced",
    "propose_suspension": "suspension_proposed",
    "count": "condition_met",
}
"""Reasons of what policies do short of a refusal, by action. `count`: the condition held, its share is not reached."""
POLICY_REASONS = (OUTPUT_REDUCED, NOT_EVALUATED, *ACTIONS.values())
"""Every reason that a policy can have beside those of refusals."""
