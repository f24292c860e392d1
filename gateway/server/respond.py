"""What every answer carries: request ids, rate-limit advice, what the gateway changed; and refusals in two dialects."""

from collections.abc import Mapping
from typing import Final

from multidict import CIMultiDict

from gateway.core.refusal import Refusal
from gateway.core.units import Unit
from gateway.dialects.base import LimitAdvice
from gateway.exchange import Exchange
from gateway.server.inbound import Fields, Reply
from gateway.upstreams.headers import answer_headers

SERVER_NAME: Final = "excise"
DECISION_ID: Final = "x-gateway-decision-id"
"""Names the decision record where the request id is the caller's own."""

JSON: Final = ("content-type", "application/json")

_FAMILY: Final = {
    Unit.REQUESTS: "requests",
    Unit.TOTAL_TOKENS: "tokens",
    Unit.INPUT_TOKENS: "input-tokens",
    Unit.OUTPUT_TOKENS: "output-tokens",
}


def head(request_id: str) -> CIMultiDict[str]:
    """Headers of every response. Each SDK reads its own name of the request id; nothing here may be cached."""
    return CIMultiDict(_head(request_id))


def _head(request_id: str) -> Fields:
    return [
        ("x-request-id", request_id),
        ("request-id", request_id),
        ("cache-control", "no-store"),
        ("server", SERVER_NAME),
    ]


def exchange_head(x: Exchange, now_ms: int) -> Fields:
    """`head`, the advice of the limits that were consulted, and the notes of what was changed."""
    headers = _head(x.request_id)
    advice = limit_advice(x)
    if advice:
        headers += x.family.advice(advice, now_ms)
    if x.request_id != x.id:
        headers.append((DECISION_ID, x.id))
    headers += x.notes.items()
    return headers


def stream_head(x: Exchange, answer: Mapping[str, str], now_ms: int) -> Fields:
    """The head of a streamed answer; `answer` is the upstream's."""
    headers = exchange_head(x, now_ms)
    headers += answer_headers(answer)
    headers.append(("x-accel-buffering", "no"))
    return headers


def limit_advice(x: Exchange) -> list[LimitAdvice]:
    """The enforced limits as advice headers show them; a policy may keep its numbers to itself."""
    plan, readings = x.plan, x.readings
    if plan is None or len(readings) < len(plan.limits):
        return []
    advice = []
    for index, unit, size in plan.told:
        if unit in _FAMILY:
            reading = readings[index]
            advice.append(LimitAdvice(_FAMILY[unit], size, max(0, reading.remaining), reading.reset_ms))
    return advice


def refusal_reply(x: Exchange, refusal: Refusal, now_ms: int) -> Reply:
    """The whole refusal, worded in the caller's dialect; sets the exchange's status."""
    wire = x.family.refuse(refusal, x.request_id)
    headers = exchange_head(x, now_ms)
    headers += wire.headers
    allow = refusal.details.get("allow")
    if allow is not None:
        headers.append(("allow", str(allow)))
    headers.append(JSON)
    x.status = wire.status
    return Reply(wire.status, headers, wire.body)
