"""Bodies of GET /v1/models and /v1/models/{id} in both families. The caller of these picks what a key may see."""

from collections.abc import Sequence
from typing import Any

from gateway.core.jsonio import dumps
from gateway.core.model import Model
from gateway.dialects.anthropic_family import timestamp


def list_models(family: str, models: Sequence[Model]) -> bytes:
    """All of them on one page."""
    if family == "anthropic":
        entries = [_anthropic(model) for model in models]
        first = entries[0]["id"] if entries else None
        last = entries[-1]["id"] if entries else None
        return dumps({"data": entries, "has_more": False, "first_id": first, "last_id": last})
    return dumps({"object": "list", "data": [_openai(model) for model in models]})


def show_model(family: str, model: Model) -> bytes:
    """One of them."""
    return dumps(_anthropic(model) if family == "anthropic" else _openai(model))


def _openai(model: Model) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}


def _anthropic(model: Model) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.id,
        "created_at": timestamp(model.created * 1000),
        "lifecycle": "active",
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
    }
