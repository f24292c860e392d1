"""Marks in words, for explanations and failed cases."""

from collections.abc import Iterator

from gateway.core.model import CODE, Model
from gateway.policy.mark_plan import LAYERS, MarkPlan


def mark_words(mark: MarkPlan, model: Model | None = None) -> str:
    """What is asked for, on one line, and whether the model is one that is never marked."""
    return "; ".join(_parts(mark, model))


def action_of_mark(mark: MarkPlan) -> str:
    """What a policy in audit mode would have done."""
    return "mark" if mark.marks else "record"


def _parts(mark: MarkPlan, model: Model | None) -> Iterator[str]:
    if mark.marks:
        layers = " and ".join(layer for layer in LAYERS if layer in mark.layers)
        most = "" if mark.entries is None else f", at most {mark.entries} entries"
        never = ", but never of a model tagged code" if model is not None and CODE in model.tags else ""
        yield f"a mark of strength {mark.strength:g} ({layers}{most}){never}"
    if mark.caller_bias == "refuse":
        yield "a logit_bias that collides with it is refused"
    if mark.registry:
        yield "fingerprints are kept"
    if mark.receipts:
        yield "a signed receipt"
