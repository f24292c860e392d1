"""What policies ask so that an answer can be known again: a mark in its words, kept fingerprints, a signed receipt.

Compiled into the plan; whether one answer can be marked (tools, a JSON format, a model tagged code, an upstream
without `logit_bias`) is found out later, where the request is at hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Final, Literal

Layer = Literal["account", "provider"]
CallerBias = Literal["override", "refuse"]
LAYERS: Final[tuple[Layer, ...]] = ("account", "provider")


@dataclass(frozen=True, slots=True)
class MarkPlan:
    """One or several `watermark:` blocks as plain values."""

    strength: float
    """Nats that are added to a favoured word; 0: no mark."""
    layers: frozenset[Layer]
    entries: int | None
    """Most entries of `logit_bias`; None: as many as the upstream takes. 0 where there is no mark."""
    caller_bias: CallerBias
    """What happens to the caller's own `logit_bias` where it collides with the mark."""
    registry: bool
    receipts: bool

    @property
    def marks(self) -> bool:
        """Whether words are to be favoured at all."""
        return self.strength > 0


NOTHING: Final = MarkPlan(0.0, frozenset(), 0, "override", registry=False, receipts=False)
"""What nobody asks for: the neutral element of `joined`."""


def joined(plans: Iterable[MarkPlan]) -> MarkPlan | None:
    """All of them together; None for none.

    Part by part the most of any: the largest strength, the union of layers, the most entries, `refuse` before
    `override`, registry or receipts where anybody asks. So the order never matters, and one more never weakens.
    """
    asked = list(plans)
    return reduce(_both, asked, NOTHING) if asked else None


def added(plan: MarkPlan | None, more: MarkPlan | None) -> MarkPlan | None:
    """`more` where it asks for anything that `plan` does not, else None."""
    if more is None or joined((plan or NOTHING, more)) == (plan or NOTHING):
        return None
    return more


def _both(one: MarkPlan, other: MarkPlan) -> MarkPlan:
    return MarkPlan(
        strength=max(one.strength, other.strength),
        layers=one.layers | other.layers,
        entries=None if one.entries is None or other.entries is None else max(one.entries, other.entries),
        caller_bias="refuse" if "refuse" in (one.caller_bias, other.caller_bias) else "override",
        registry=one.registry or other.registry,
        receipts=one.receipts or other.receipts,
    )
