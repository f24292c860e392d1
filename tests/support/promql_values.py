"""Which values a label can have, where the code has a closed list of them."""

from typing import Final

from gateway.accounting.outcome import Outcome
from gateway.core.reasons import ACTIONS, POLICY_REASONS, REASONS
from gateway.detectors import SIGNALS as DETECTED
from gateway.observe.instruments import BY_NAME
from gateway.observe.mark_counts import KEPT
from gateway.policy.actions import WORDS
from gateway.server.routes import ROUTE_NAMES
from gateway.watermarks.occasion import SKIPS

SIGNALS: Final = tuple(signal.name for signal in DETECTED)
DERIVED: Final = ("long_answer", "many_networks", "many_clients")
"""Values of `signal` that only recorded series have: shares above a bound of a histogram."""

_YES_NO: Final = ("true", "false")
_EVERYWHERE: Final[dict[str, tuple[str, ...]]] = {
    "route": (*ROUTE_NAMES, "other"),
    "reason": ("none", "other", *POLICY_REASONS, *(reason.code for reason in REASONS)),
    "mode": ("enforce", "audit"),
    "action": ("allow", *WORDS, *ACTIONS, "not_evaluated"),
    "code_class": ("2xx", "4xx", "5xx", "busy", "timeout", "error", "stale", "cancelled", "credentials"),
    "stream": _YES_NO,
    "estimated": _YES_NO,
    "present": _YES_NO,
    "phase": ("body", "wait", "answer"),
    "op": ("reserve", "commit", "settle", "expire"),
    "signal": SIGNALS,
    "standing": ("clear", "watched", "limited", "blocked"),
    "why": ("none", *SKIPS),
    "side": ("agree", "disagree"),
}
_BY_METRIC: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("gateway_tokens_total", "direction"): ("input", "output"),
    ("gateway_account_tokens_total", "direction"): ("input", "output"),
    ("gateway_settle_adjustment_tokens", "direction"): ("refund", "debit"),
    ("gateway_requests_total", "outcome"): tuple(Outcome),
    ("gateway_settlements_total", "outcome"): tuple(Outcome),
    ("gateway_watermark_answers_total", "result"): ("marked", "skipped", "would_mark", "would_skip"),
    ("gateway_registry_answers_total", "result"): KEPT,
    ("gateway_store_operations_total", "outcome"): (
        "granted", "denied", "unavailable", "failed", "debt_clamped", "ok",
    ),
}  # fmt: skip


def closed_values(series: str, label: str) -> frozenset[str] | None:
    """The values `label` can have on `series`, or None where configuration decides."""
    metric = next((series.removesuffix(end) for end in ("_bucket", "_sum", "_count") if series.endswith(end)), series)
    if label == "le" and metric in BY_NAME:
        return frozenset({"+Inf", *(repr(bound) for bound in BY_NAME[metric].buckets)})
    if label == "signal" and ":" in series:
        return frozenset(SIGNALS + DERIVED)
    values = _BY_METRIC.get((metric, label)) or _EVERYWHERE.get(label)
    return frozenset(values) if values else None
