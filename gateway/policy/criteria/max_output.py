"""`max_output`: output tokens asked for in each choice; the model's maximum where the caller named none."""

from gateway.policy.criteria.base import Asked, measured
from gateway.policy.inquiry import Inquiry


def _cap(inquiry: Inquiry) -> int:
    asked, most = inquiry.ask.output_cap, inquiry.here.model.max_output
    return most if asked is None else min(asked, most)


CRITERION: Asked = measured("max_output", _cap, "tokens")
