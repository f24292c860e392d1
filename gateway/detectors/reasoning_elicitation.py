"""Reasoning elicitation: the request asks for the model's reasoning itself.

Hidden or whole reasoning, thoughts word for word, thinking tags, "think step by step", or a supplied answer with the
wish to learn how it was reached: traces that a student model is trained on. Looks the same: a teacher's or a learner's
"show your thinking", debugging, requests for an audit trail, and the plain chain-of-thought prompt that tutorials
recommend. One such request says nothing; a share that rises says something. Eleven languages; others are not seen.
"""

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch


def present(facts: Facts, _sketch: Sketch) -> bool | None:
    """None for a request without text. Only the two ends of a long turn are read."""
    return "reasoning" in facts.said.lexicons if facts.said else None
