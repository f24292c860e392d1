"""Multiple choices: the request asks for more than one answer to its prompt.

Several samples of each prompt are what rejection sampling and preference data are made of. Looks the same:
self-consistency voting, suggestions to choose from, pass@k evaluations.
"""

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch


def present(facts: Facts, _sketch: Sketch) -> bool | None:
    return facts.choices > 1
