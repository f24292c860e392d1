"""What callers see of each reason code, asked of the two families: the generated half of docs/errors.md."""

import json

from gateway.core.reasons import Kind, Reason
from gateway.core.refusal import Refusal
from gateway.dialects import ANTHROPIC, OPENAI

_RETRY = {
    ("false", "false", "false"): "no",
    ("true", "true", "false"): "yes, unless the wait is over 60 s",
    ("false", "true", "false"): "if the wait is known and at most 60 s",
}


def row(reason: Reason) -> str:
    """One line of the table."""
    openai, anthropic = (_answer(family, reason) for family in (OPENAI, ANTHROPIC))
    retry = _RETRY[tuple(_should_retry(reason, wait) for wait in (None, 60_000, 60_001))]
    return f"| `{reason.code}` | {openai} | {anthropic} | {retry} |"


def _answer(family, reason: Reason) -> str:
    wire = family.refuse(Refusal(reason, "x"), "id")
    kind = json.loads(wire.body)["error"]["type"]
    if reason.kind is Kind.UPSTREAM_REJECTED:
        return f"the upstream's 400, 404, 413 or 422, `{kind}`" if family is OPENAI else "the same, type by status"
    if reason.kind is Kind.THROTTLED and family is OPENAI:
        kind += "` or `tokens"
    return f"{wire.status} `{kind}`"


def _should_retry(reason: Reason, wait: int | None) -> str:
    return dict(OPENAI.refuse(Refusal(reason, "x", retry_after_ms=wait), "id").headers)["x-should-retry"]
