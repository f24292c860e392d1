"""Young model: the model was released less than seven days ago.

Collectors turn to a new model within a day. Looks the same: everybody who is curious, and evaluation teams; so the
share says something beside that of other tiers, little alone.
"""

from typing import Final

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch

WEEK_S: Final = 7 * 86_400


def present(facts: Facts, _sketch: Sketch) -> bool | None:
    """None where the release date is not known."""
    return None if facts.model_age_s is None else facts.model_age_s < WEEK_S
