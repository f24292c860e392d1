"""`temperature`: as asked for; not known where the caller left it to the model, or wrote what is no number.

A number written as text or as true is read as lenient servers read it.
"""

from gateway.policy.criteria.base import Asked, measured
from gateway.policy.inquiry import Inquiry


def wanted_temperature(inquiry: Inquiry) -> float | None:
    return inquiry.parameters.temperature


CRITERION: Asked = measured("temperature", wanted_temperature)
