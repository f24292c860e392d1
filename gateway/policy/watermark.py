"""The `watermark` block as it is written in a policy, and as plain values."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from gateway.policy.mark_plan import LAYERS, NOTHING, CallerBias, Layer, MarkPlan
from gateway.scalars import one_or_many
from gateway.validate import Strict

RULE: Final = "watermark"
"""What the block is called where rules have names: `policy/watermark`."""
MAX_ENTRIES: Final = 1024
"""A list of word pairs holds no more, and each pair takes one entry."""
_OF_MARKS: Final = ("strength", "layers", "entries", "caller_bias")
Layers = Annotated[tuple[Layer, ...], Field(min_length=1), BeforeValidator(one_or_many)]
Strength = Annotated[float, Field(ge=0.25, le=3)]
Entries = Annotated[int, Field(gt=0, le=MAX_ENTRIES)]


class Watermark(Strict):
    """How answers can be known again. Without a mark (`scheme: none`) registry or receipts alone."""

    scheme: Literal["pairs", "none"] = Field(description="pairs: words are favoured; none: no word is touched.")
    strength: Strength = Field(default=1.0, description="Nats that a favoured word gains, from 0.25 to 3.")
    layers: Layers = Field(default=LAYERS, description="Whom the mark names: the account, the provider, or both.")
    entries: Entries | None = Field(
        default=None, description="Most entries of logit_bias; none: as many as the upstream takes."
    )
    caller_bias: CallerBias = Field(
        default="override", description="What happens to the caller's own logit_bias where it collides."
    )
    registry: bool = Field(default=False, description="Whether fingerprints of answers are kept.")
    receipts: bool = Field(default=False, description="Whether answers carry a signed receipt.")

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Watermark":
        if self.scheme != "none":
            return self
        beside = [key for key in _OF_MARKS if key in self.model_fields_set]
        if beside:
            raise ValueError(f"'{beside[0]}' says how words are marked, and scheme: none marks none")
        if not (self.registry or self.receipts):
            raise ValueError("scheme: none does nothing alone: expected registry: true, receipts: true or a scheme")
        return self


def given(value: Any) -> Any:
    """The block, for a key that must not be empty. Raises ValueError."""
    if value is None or value == {}:
        raise ValueError("expected scheme: pairs, or scheme: none with registry or receipts")
    return value


def mark_plan(block: Watermark) -> MarkPlan:
    """The block as plain values."""
    if block.scheme == "none":
        return MarkPlan(0.0, NOTHING.layers, 0, "override", registry=block.registry, receipts=block.receipts)
    return MarkPlan(
        float(block.strength), frozenset(block.layers), block.entries, block.caller_bias,
        registry=block.registry, receipts=block.receipts,
    )  # fmt: skip
