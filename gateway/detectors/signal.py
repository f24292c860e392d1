"""A signal: a name and a question that a request answers with yes, no, or does not face."""

from collections.abc import Callable
from typing import NamedTuple

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch


class Signal(NamedTuple):
    """`present` gets the request, what its text says read, and its account's sketch as it was before the request.

    It changes neither. None means that the signal does not apply, so the share's denominator stays exact.
    """

    name: str
    present: Callable[[Facts, Sketch], bool | None]
