"""New account: the account is younger than seven days.

Campaigns open accounts by the thousand and replace those that are closed. Looks the same: a launch, a hackathon, a
class that starts.
"""

from typing import Final

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch

WEEK_S: Final = 7 * 86_400


def present(facts: Facts, _sketch: Sketch) -> bool | None:
    """None where the creation date is not known. A date in the future is a new account's."""
    return None if facts.account_age_s is None else facts.account_age_s < WEEK_S
