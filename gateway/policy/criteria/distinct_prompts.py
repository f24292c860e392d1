"""`distinct_prompts`: different prompts of the account, as a limit counts them; the largest where several do."""

from gateway.core.units import Unit
from gateway.policy.criteria.base import Asked, measured
from gateway.policy.inquiry import Inquiry


def _prompts(inquiry: Inquiry) -> float | None:
    now_ms = inquiry.here.now_ms
    counts = (used.left(now_ms) for used in inquiry.memory.used.values() if used.unit is Unit.DISTINCT_PROMPTS)
    return max(counts, default=None)


CRITERION: Asked = measured("distinct_prompts", _prompts, "prompts")
