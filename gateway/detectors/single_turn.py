"""Single turn: one user turn and nothing before it.

Collected prompts are sent one by one, conversations go on. Looks the same: classification, extraction, completion and
every other batch job. A system prompt does not count as a turn.
"""

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch


def present(facts: Facts, _sketch: Sketch) -> bool | None:
    """None for a request without any user turn."""
    return facts.user_turns == 1 and not facts.history if facts.user_turns else None
