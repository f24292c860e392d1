"""Stream completed: a streamed answer was read to its end.

People stop an answer that goes wrong; a collector never does. Looks the same: every program that streams without a
person in front of it.
"""

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch


def present(facts: Facts, _sketch: Sketch) -> bool | None:
    """None for an answer that was not streamed: it comes whole or not at all."""
    return facts.completed if facts.stream else None
