"""Where a reservation holds something: a bucket, one period of a budget, slots, prompts. All answer the same."""

from collections.abc import Sequence

from gateway.engine.bucket import Bucket
from gateway.engine.budget import Row
from gateway.engine.distinct import Distinct
from gateway.engine.slots import Slots
from gateway.engine.spec import Spec
from gateway.engine.verdict import Verdict

Place = Bucket | Row | Slots | Distinct
Hold = tuple[Place, Spec, int]
"""A place, the limit it was reached by, and the amount in the limit's unit."""


def answer(holds: Sequence[Hold], waits: Sequence[int | None], now_ms: int) -> Verdict:
    """The verdict over all limits, given how long each one has to wait."""
    failing: list[int] = []
    shadow_failing: list[int] = []
    for i, (_, spec, _) in enumerate(holds):
        if waits[i] != 0:
            (shadow_failing if spec.shadow else failing).append(i)
    readings = [place.reading(spec, now_ms, wait) for (place, spec, _), wait in zip(holds, waits, strict=True)]
    return Verdict(not failing, tuple(readings), tuple(failing), tuple(shadow_failing))
