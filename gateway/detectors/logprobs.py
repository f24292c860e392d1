"""Log probabilities: the request asks for them.

They carry far more of a model than its text, and so they are what a copy is best trained on. Looks the same:
classifiers that want a confidence, calibration studies, evaluation harnesses.
"""

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch


def present(facts: Facts, _sketch: Sketch) -> bool | None:
    return facts.logprobs
