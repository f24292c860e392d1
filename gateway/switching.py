"""What follows when people switch policies off and on: the policies in force, a gauge, a line in the log."""

from collections.abc import Callable

from gateway.core.clock import Clock
from gateway.core.ports import Events
from gateway.identity.entries import moment_text
from gateway.observe.metrics import Metrics
from gateway.policy.compile import PolicySet
from gateway.policy.switches import Switch


class Switching:
    """Hears of the switches that are in force."""

    def __init__(self, policies: Callable[[], PolicySet], metrics: Metrics, events: Events, clock: Clock) -> None:
        """`policies` are those in force at each moment; a new set is given the switches before it comes into force."""
        self._policies = policies
        self._metrics = metrics
        self._events = events
        self._clock = clock
        self._known: dict[str, Switch] = {}

    def apply(self, switches: tuple[Switch, ...]) -> None:
        """From now on these are all there are."""
        self._policies().switch(switches)
        self._metrics.switches(switch.policy for switch in switches)
        before, self._known = self._known, {switch.policy: switch for switch in switches}
        for policy, switch in self._known.items():
            if switch != before.get(policy):
                until = moment_text(switch.until_ms) or ""
                self._events.emit("switch.off", policy=policy, by=switch.by, until=until)
        for policy, switch in before.items():
            if policy not in self._known:
                why = "over" if switch.until_ms <= self._clock.now_ms() else "lifted"
                self._events.emit("switch.on", policy=policy, why=why)
