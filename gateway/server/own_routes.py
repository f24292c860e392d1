"""What the data plane answers itself: the models a key may use, the caller's own limits and use, its receipts."""

from typing import Any
from urllib.parse import unquote

from gateway.core import reasons
from gateway.core.account import Principal
from gateway.core.jsonio import dumps
from gateway.core.model import Model
from gateway.core.refusal import Refusal
from gateway.dialects.models_list import list_models, show_model
from gateway.engine.spec import BudgetSpec, RateSpec
from gateway.engine.verdict import Reading
from gateway.exchange import Exchange
from gateway.policy.bound_limit import BoundLimit
from gateway.runtime import Runtime
from gateway.server import routes
from gateway.server.receipts import find_receipt, receipt_keys
from gateway.stores.base import StoreUnavailable


async def answer_ourselves(runtime: Runtime, x: Exchange, route: routes.Route) -> bytes | Refusal:
    """The JSON body of one of the gateway's own routes."""
    if route.name == routes.USAGE:
        return await _usage(runtime, x)
    if route.name == routes.RECEIPT:
        if route.receipt_id:
            return await find_receipt(runtime.pipeline, x, route.receipt_id)
        return receipt_keys(runtime.pipeline)
    usable = _usable_models(x)
    if route.name == routes.MODELS:
        return list_models(x.family.name, usable)
    wanted = unquote(route.model_id)
    for model in usable:
        if wanted == model.id or wanted in model.aliases:
            return show_model(x.family.name, model)
    return Refusal(reasons.MODEL_NOT_FOUND, "no such model for this key", param="model")


def _usable_models(x: Exchange) -> list[Model]:
    """Models that some route would let this key use."""
    assert x.principal is not None
    policies = x.snapshot.policies
    return [
        model
        for model in x.snapshot.catalogue.models
        if any(policies.plan(x.principal, name, model, x.started_ms).denial is None for name in _INFERENCE)
    ]


_INFERENCE = tuple(name for name in routes.ROUTE_NAMES if name not in routes.OWN)


async def _usage(runtime: Runtime, x: Exchange) -> bytes | Refusal:
    assert x.principal is not None
    try:
        limits = await usage_of(runtime, x.principal)
    except StoreUnavailable:
        return Refusal(reasons.LIMITER_UNAVAILABLE, "usage cannot be read right now", retry_after_ms=1000)
    shown = [entry for limit, entry in limits if limit.mode == "enforce" and limit.disclose == "full"]
    account = x.principal.account
    return dumps({"object": "usage", "account": account.id, "tier": account.tier, "limits": shown})


async def usage_of(runtime: Runtime, principal: Principal) -> list[tuple[BoundLimit, dict[str, Any]]]:
    """Every limit of a caller with what is left of it. Raises StoreUnavailable."""
    snapshot = runtime.snapshot
    limits = snapshot.policies.limits_for(principal, snapshot.catalogue.models, runtime.clock.now_ms())
    readings = await runtime.store.peek([limit.spec for limit in limits])
    return [(limit, limit_entry(limit, reading)) for limit, reading in zip(limits, readings, strict=True)]


def limit_entry(limit: BoundLimit, reading: Reading) -> dict[str, Any]:
    """One limit as JSON, and whose it is."""
    named = {"limit": limit.name, "policy": limit.policy_id, "scope": limit.scope, "mode": limit.mode}
    return {**named, **reading_entry(reading)}


def reading_entry(reading: Reading) -> dict[str, Any]:
    """Where a limit stands. `amount`, `burst`, `used` and `remaining` are in `unit`; usd in nano-dollars."""
    spec = reading.spec
    size = spec.burst if isinstance(spec, RateSpec) else spec.amount
    entry: dict[str, Any] = {
        "unit": "nano_usd" if spec.unit == "usd" else spec.unit.value,
        "amount": spec.amount,
        "used": size - reading.remaining,
        "remaining": reading.remaining,
        "reset_ms": reading.reset_ms,
    }
    if isinstance(spec, RateSpec):
        entry["window_s"] = spec.window_s
        entry["burst"] = spec.burst
    elif isinstance(spec, BudgetSpec):
        entry["period"] = spec.period.value
        entry["zone"] = spec.zone
    return entry
