"""What is to be forwarded, and how one upstream can fail to take it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.core.refusal import Refusal
from gateway.upstreams.base import Call
from gateway.upstreams.gate import Gate, Left
from gateway.upstreams.upstream import Upstream

MakeCall = Callable[[Upstream], Call]
Amend = Callable[[Upstream, int], bool]
"""Told that an upstream rejected the request as such, and with which status; True where `MakeCall` now makes another
one that is worth trying there."""


@dataclass(slots=True, init=False)
class Errand:
    """What is to be forwarded, wherever it goes."""

    make_call: MakeCall
    hide: Mapping[str, str]
    model: str
    gate: Gate | None
    amend: Amend | None

    # Written out, as Exchange is.
    def __init__(
        self,
        make_call: MakeCall,
        hide: Mapping[str, str],
        model: str,
        gate: Gate | None,
        amend: Amend | None = None,
    ) -> None:
        self.make_call = make_call
        self.hide = hide
        self.model = model
        self.gate = gate
        self.amend = amend


@dataclass(slots=True)
class Miss:
    """An attempt that brought no answer to pass on."""

    outcome: str
    refusal: Refusal
    left: Left
    elsewhere: bool = False
    again: bool = False
    detail: str = ""
    """For operators: what went wrong on the wire."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An upstream that was not asked because the limits of its key have no room."""

    refusal: Refusal
