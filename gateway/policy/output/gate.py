"""The events of one streamed answer before its output rules: which may go out now, and in their order. Pure."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.dialects.output import OutputReader, Piece
from gateway.policy.output.finding import OutputFinding
from gateway.policy.output.rule import OutputRule, OutputRules
from gateway.policy.output.watch import OutputWatch

HELD_BYTES: Final = 1 << 16
"""Bytes of events that wait at most. A window of text is a few dozen events of some hundred bytes each."""


class OutputGate:
    """Lets events through, holds them back, or says that a rule ends the answer.

    Where more would have to wait than `held_bytes`, the oldest events go and matching goes on: callers can make events
    heavy (log probabilities), so that neither their answers may be cut for it nor a rule be escaped by it. A match is
    then still found and still ends the stream; what is lost is that nothing of it went out.
    """

    __slots__ = ("_held", "_held_bytes", "_queue", "_reader", "_rules", "_watch", "failed")

    def __init__(self, rules: OutputRules, reader: OutputReader, held_bytes: int = HELD_BYTES) -> None:
        self._rules = rules
        self._reader = reader
        self._watch = OutputWatch(rules)
        self._queue: deque[tuple[bytes, Sequence[tuple[int, int]]]] = deque()
        self._held = 0
        self._held_bytes = held_bytes
        self.failed = False
        """A fault of ours ended the looking."""

    @property
    def broken(self) -> OutputRule | None:
        """The rule that ends the answer: nothing more goes out."""
        return self._watch.broken

    @property
    def stops(self) -> bool:
        """Whether any rule can end the answer. Where none can, nothing waits for the rules."""
        return self._rules.stops

    @property
    def looks_back(self) -> bool:
        """Whether a rule looks at the answer when it is complete."""
        return bool(self._rules.later)

    @property
    def held(self) -> int:
        """Bytes that wait."""
        return self._held

    def pass_on(self, events: Iterable[bytes]) -> bytes:
        """Take whole events; what may go out now. What still waits is dropped once a rule is broken."""
        out: list[bytes] = []
        for event in events:
            places = self._look(self._reader.read(event))
            if self._watch.broken is not None:
                self._drop()
                break
            if self._rules.hold_window:
                self._queue.append((event, places))
                self._held += len(event)
                self._release(out)
            else:
                out.append(event)
        return b"".join(out)

    def whole(self, body: bytes) -> None:
        """An answer in one piece, complete."""
        self._look(self._reader.whole(body))
        self._watch.finish()

    def finish(self) -> bytes:
        """The answer is complete: what waited may go out, unless its very end breaks a rule."""
        if self._watch.broken is None:  # after that, nobody looks at what comes
            self._watch.finish()
        return self._rest()

    def cut(self) -> bytes:
        """The answer was broken off: the same with what has come of it."""
        if self._watch.broken is None:
            self._watch.stop_waiting()
        return self._rest()

    def fail(self) -> None:
        """The gateway's own fault: nothing is looked at any more, and what did not match is not evaluated."""
        self.failed = True
        self._drop()
        self._watch.give_up()

    def findings(self) -> tuple[OutputFinding, ...]:
        return self._watch.findings()

    def _look(self, pieces: list[Piece] | None) -> list[tuple[int, int]]:
        """Feed the watch; how far each lane must be past the rules for the event to go."""
        if pieces is None:
            self._watch.miss("unreadable")
            return []
        return [(lane, end) for lane, text in pieces if (end := self._watch.feed(lane, text)) and text]

    def _release(self, out: list[bytes]) -> None:
        queue, watch = self._queue, self._watch
        while queue:
            event, places = queue[0]
            if not all(watch.is_past(lane, place) for lane, place in places):
                if self._held <= self._held_bytes:
                    return
                watch.late = True
            queue.popleft()
            self._held -= len(event)
            out.append(event)

    def _rest(self) -> bytes:
        rest = b"" if self._watch.broken is not None else b"".join([event for event, _ in self._queue])
        self._drop()
        return rest

    def _drop(self) -> None:
        self._queue.clear()
        self._held = 0
