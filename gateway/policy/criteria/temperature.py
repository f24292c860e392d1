"""`temperature`: as asked for; not known where the caller left it to the model or wrote something odd."""

from gateway.policy.criteria.base import measured
from gateway.policy.inquiry import Inquiry


def wanted_temperature(inquiry: Inquiry) -> float | None:
    given = inquiry.parameters
    return None if "temperature" in given.odd else given.temperature


CRITERION = measured("temperature", wanted_temperature)
