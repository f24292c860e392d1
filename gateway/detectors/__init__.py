"""What usage looks like, beyond quantities: signals of single requests, told from text that is not kept.

Nothing here decides about a request. Each signal alone has honest causes (docs/signals.md): what counts is a share
that moves away from its own past.
"""

from typing import Final

from gateway.detectors import (
    distinct_prompt,
    logprobs,
    multiple_choices,
    new_account,
    reasoning_elicitation,
    repeated_wrapper,
    rubric,
    single_turn,
    stream_completed,
    young_model,
)
from gateway.detectors.signal import Signal

SIGNALS: Final = (
    Signal("distinct_prompt", distinct_prompt.present),
    Signal("single_turn", single_turn.present),
    Signal("repeated_wrapper", repeated_wrapper.present),
    Signal("reasoning_elicitation", reasoning_elicitation.present),
    Signal("rubric", rubric.present),
    Signal("logprobs", logprobs.present),
    Signal("multiple_choices", multiple_choices.present),
    Signal("stream_completed", stream_completed.present),
    Signal("new_account", new_account.present),
    Signal("young_model", young_model.present),
)
"""Every signal, in the order of docs/signals.md."""
