"""Cases as the rest of the gateway sees them: models, requests, and what they use and need."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.core.ask import Ask
from gateway.core.model import Model, Prices
from gateway.core.refusal import Refusal
from gateway.core.units import Unit, prompt_amount
from gateway.policy.cases import CaseAsk, CaseGiven, CaseModel, CasePrices, CaseUse
from gateway.policy.sample import SPEAKERS, plain_body
from gateway.validate import nearest


def model_of(name: str, entry: CaseModel) -> Model:
    prices = None if entry.prices is None else _prices(entry.prices)
    return Model(
        name, name, ("case",), entry.context, entry.max_output, prices, tuple(entry.aliases),
        family=entry.family, terms=entry.terms,
    )  # fmt: skip


def _prices(entry: CasePrices) -> Prices:
    # Dollars per million tokens are a thousand times as many nano-dollars per token.
    each = {name: -(-value // 1_000_000) for name, value in entry}
    return Prices(input=each["input"], output=each["output"], cache_read=each["input"], cache_write=each["input"])


def ask_of(given: CaseGiven, model: Model, kind: str) -> Ask:
    """The request of a case. Raises ValueError for a body that its dialect, or the upstream's kind, refuses."""
    if given.request is not None:
        return read_body(given.request, given.dialect, model, kind)
    short = given.ask
    body = plain_body(given.dialect, short.prompt, max_tokens=short.max_tokens, n=short.n, logprobs=short.logprobs)
    return replace(
        read_body(body, given.dialect, model, kind),
        prompt_bytes=short.prompt_tokens * 4,
        output_cap=short.max_tokens,
        choices=short.n,
        logprobs=short.logprobs,
    )


def read_body(body: Mapping[str, Any], dialect: str, model: Model, kind: str) -> Ask:
    """Raises ValueError as above: such a request is refused before any policy is asked."""
    if dialect not in SPEAKERS:
        raise ValueError(f"unknown dialect '{dialect}'{nearest(dialect, SPEAKERS)}")
    speaks = SPEAKERS[dialect]
    ask = speaks.read({"model": model.id, **body})
    refusal = speaks.check_fields(ask, kind) if isinstance(ask, Ask) else ask
    if isinstance(ask, Refusal) or refusal is not None:
        raise ValueError(refusal.message if refusal is not None else "")
    return ask


def _fingerprint(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def used_by(use: CaseUse, prompt: str) -> dict[Unit, int]:
    total = use.input_tokens + use.output_tokens if use.total_tokens is None else use.total_tokens
    return {
        Unit.REQUESTS: use.requests,
        Unit.INPUT_TOKENS: use.input_tokens,
        Unit.OUTPUT_TOKENS: use.output_tokens,
        Unit.TOTAL_TOKENS: total,
        Unit.USD: use.usd or 0,
        Unit.REASONING_TOKENS: use.reasoning_tokens,
        Unit.LOGPROB_REQUESTS: use.logprob_requests,
        Unit.DISTINCT_PROMPTS: prompt_amount(_fingerprint(prompt)),
        Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(_fingerprint(prompt), use.output_tokens),
    }


def needed_by(named: CaseAsk, ask: Ask, model: Model, output_cap: int | None) -> dict[Unit, int]:
    """The worst case of the request, which is what money reserves."""
    caps = [cap for cap in (ask.output_cap or model.max_output, output_cap) if cap is not None]
    output = min(caps) * ask.choices
    prompt, read = _fingerprint(ask.last_user_text or named.prompt), ask.prompt_bytes // 4
    prices = model.prices
    return {
        Unit.REQUESTS: 1,
        Unit.INPUT_TOKENS: read,
        Unit.OUTPUT_TOKENS: output,
        Unit.TOTAL_TOKENS: read + output,
        Unit.REASONING_TOKENS: min(1, output),
        Unit.LOGPROB_REQUESTS: int(ask.logprobs),
        Unit.DISTINCT_PROMPTS: prompt_amount(prompt),
        Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, output),
        Unit.USD: 0 if prices is None else read * prices.input + output * prices.output,
    }
