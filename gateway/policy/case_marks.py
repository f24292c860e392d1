"""What a case expects of marks, beside what the plan has of them."""

from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field

from gateway.policy.mark_plan import LAYERS, NOTHING, CallerBias, MarkPlan
from gateway.policy.watermark import Entries, Layers, Strength
from gateway.validate import Strict

ALL: Final = "all"


class CaseMark(Strict):
    """What must be asked for by all policies together. Keys that are absent are not compared."""

    scheme: Literal["pairs", "none"] = Field(description="pairs: words are favoured; none: no word is.")
    strength: Strength | None = Field(default=None, description="Nats that a favoured word gains.")
    layers: Layers | None = Field(default=None, description="Whom the mark names.")
    entries: Entries | Literal["all"] | None = Field(
        default=None, description="Most entries of logit_bias; all: as many as the upstream takes."
    )
    caller_bias: CallerBias | None = Field(default=None, description="What happens to a logit_bias that collides.")
    registry: bool | None = Field(default=None, description="Whether fingerprints are kept.")
    receipts: bool | None = Field(default=None, description="Whether answers carry a receipt.")


def compare_mark(name: str, wanted: CaseMark | None, found: MarkPlan | None) -> Iterator[str]:
    """What is not as expected, one sentence each."""
    if wanted is None:
        return
    has = _facts(found or NOTHING)
    for key in type(wanted).model_fields:
        value = getattr(wanted, key)
        expected = _layers(value) if key == "layers" and value is not None else value
        if expected is not None and expected != has[key]:
            yield f"expected {name}.{key} {_said(expected)}, found {_said(has[key])}"


def _facts(mark: MarkPlan) -> dict[str, object]:
    return {
        "scheme": "pairs" if mark.marks else "none",
        "strength": mark.strength,
        "layers": _layers(mark.layers),
        "entries": ALL if mark.entries is None else mark.entries,
        "caller_bias": mark.caller_bias,
        "registry": mark.registry,
        "receipts": mark.receipts,
    }


def _layers(names: object) -> list[str]:
    assert isinstance(names, tuple | frozenset)
    return [layer for layer in LAYERS if layer in names]


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
