"""The exact route table of the data plane. What is not here is 404: nothing passes unmetered."""

from dataclasses import dataclass
from typing import Final

from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.dialects import ANTHROPIC, DIALECTS, OPENAI
from gateway.dialects.base import Dialect, Family

MODELS: Final = "models"
MODEL: Final = "model"
USAGE: Final = "usage"
RECEIPT: Final = "receipt"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes: an inference dialect, or one of the gateway's own answers (`dialect` is None)."""

    name: str
    method: str
    family: Family
    dialect: Dialect | None = None
    model_id: str = ""
    receipt_id: str = ""
    """`keys` asks for the public keys: no receipt has that id."""
    """Empty for the public keys that receipts are checked with."""


_INFERENCE: Final = {d.path: Route(d.name, "POST", d.family, d) for d in DIALECTS}
INFERENCE_PATHS: Final = frozenset(_INFERENCE)
OWN: Final = (MODELS, MODEL, USAGE, RECEIPT)
ROUTE_NAMES: Final = (*(d.name for d in DIALECTS), *OWN)


def family_of(anthropic_version: str | None) -> Family:
    """The dialect of routes that both APIs have: the header that only one of them sends decides."""
    return OPENAI if anthropic_version is None else ANTHROPIC


def find(method: str, target: str, anthropic_version: str | None) -> Route | tuple[Family, Refusal]:
    """The route of a raw request target, compared byte by byte: no decoding, no dot segments, no case folding."""
    path = target.partition("?")[0]
    route = _INFERENCE.get(path)
    if route is None:
        route = _own(path, family_of(anthropic_version))
    if route is None:
        family = ANTHROPIC if path.startswith("/v1/messages") else family_of(anthropic_version)
        return family, Refusal(reasons.UNKNOWN_ROUTE, _not_found(path))
    if method != route.method:
        return route.family, Refusal(
            reasons.METHOD_NOT_ALLOWED, f"this path is served with {route.method}", details={"allow": route.method}
        )
    return route


def _own(path: str, family: Family) -> Route | None:
    if path == "/v1/models":
        return Route(MODELS, "GET", family)
    if path == "/v1/usage":
        return Route(USAGE, "GET", family)
    if path == "/v1/receipts/keys":
        return Route(RECEIPT, "GET", family)
    if path.startswith("/v1/receipts/") and len(path) > len("/v1/receipts/"):
        return Route(RECEIPT, "GET", family, receipt_id=path[len("/v1/receipts/") :])
    if path.startswith("/v1/models/") and len(path) > len("/v1/models/"):
        return Route(MODEL, "GET", family, model_id=path[len("/v1/models/") :])
    return None


def _not_found(path: str) -> str:
    if path.startswith("/v1/v1/"):
        return "the path has /v1 twice: the client's base URL already ends in /v1 and its SDK adds another"
    if f"/v1{path}" in _INFERENCE or path == "/models":
        return f"the path lacks /v1: the client's base URL must end in /v1, so that it asks for /v1{path}"
    return (
        "no such path; this gateway serves "
        + ", ".join(sorted(_INFERENCE))
        + ", /v1/models, /v1/usage and /v1/receipts"
    )
