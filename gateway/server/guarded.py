"""Answers under output rules: the byte pump with a gate before the caller, and whole answers looked at once."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from gateway.accounting.outcome import Outcome
from gateway.core.refusal import Refusal
from gateway.core.sse import EventFramer
from gateway.exchange import Exchange
from gateway.pipeline import Pipeline
from gateway.policy.output.gate import OutputGate
from gateway.server.inbound import Inbound, Reply, Stream
from gateway.server.stream import Relay, say_last
from gateway.upstreams.base import Answer

_LONG: Final = 1 << 16
"""Bytes of an answer that are looked at in a millisecond or a few."""

log = logging.getLogger("gateway")


def gate_for(x: Exchange) -> OutputGate | None:
    """A gate for this answer; None where no output rule applies or nothing is written."""
    if x.plan is None or x.plan.output is None or x.dialect is None:
        return None
    reader = x.dialect.output_texts()
    return None if reader is None else OutputGate(x.plan.output, reader)


class _Denied(Exception):  # noqa: N818 - named for what happened to the answer
    """A rule ends the answer here."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason.code)
        self.refusal = refusal


class GuardedRelay(Relay):
    """A relay whose events pass a gate.

    Where a rule may end the answer, events are looked at before they are written; where none can, after it, so that
    nobody waits for a rule in audit mode, and no fault of one reaches the caller.
    """

    __slots__ = ("_framer", "_gate")
    _direct = False

    def __init__(self, pipeline: Pipeline, x: Exchange, response: Stream, answer: Answer, gate: OutputGate) -> None:
        super().__init__(pipeline, x, response, answer)
        self._gate = gate
        self._framer = EventFramer()

    async def run(self) -> Outcome:
        try:
            return await super().run()
        finally:
            note_findings(self._x, self._gate)

    async def _pump(self) -> Outcome:
        try:
            outcome = await super()._pump()
        except _Denied as denied:
            self._answer.abort()
            await self._say(denied.refusal, b"")
            return Outcome.POLICY_ENDED
        if outcome is Outcome.COMPLETE and self._gate.looks_back:
            await self._end()
        return outcome

    async def _write(self, data: bytes) -> None:
        if not self._gate.stops:
            await super()._write(data)
            self._observe(data)
            return
        out = self._through(data)
        if self._sent is not None and self._gate.broken is not None:
            self._sent.ends_badly()
        if out:
            await super()._write(out)
        if self._gate.broken is not None:
            raise _Denied(self._gate.broken.denial())

    def _through(self, data: bytes) -> bytes:
        """What may go out now. Raises RuntimeError for a fault of ours, without the words it may have come from."""
        try:
            out = self._gate.pass_on(self._events(data))
            return out + self._gate.finish() if self._meter.finished else out
        except Exception as error:  # noqa: BLE001 - whatever it was
            self._gate.fail()
            raise _fault(error) from None

    def _observe(self, data: bytes) -> None:
        if self._gate.failed:
            return
        try:
            self._gate.pass_on(self._events(data))
            if self._meter.finished:
                self._gate.finish()
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody's answer may suffer from it
            _log_fault(self._x, self._gate, error)

    def _cut(self) -> bytes:
        """What was held back; nothing after a fault of ours, since nobody knows what those events hold."""
        if self._gate.failed:
            return b""
        try:
            return self._gate.cut()
        except Exception as error:  # noqa: BLE001 - the answer is ending as it is
            _log_fault(self._x, self._gate, error)
            return b""

    async def _end(self) -> None:
        """Close the answer before rules that look at all of it take their time."""
        self._x.write_began_at = self._now()
        await self._response.write_eof()
        self._x.write_began_at = 0.0

    async def _end_for_budget(self, out: bytes) -> None:
        """What was held back was paid for, and belongs to the answer."""
        if not self._gate.stops:
            await super()._end_for_budget(out)
            self._observe(out)
            return
        out = self._through(out) + self._cut()
        if self._gate.broken is None:
            await super()._end_for_budget(out)
        else:
            await self._say(self._gate.broken.denial(), out)

    async def _say_error(self, refusal: Refusal) -> None:
        held = self._cut()
        broken = self._gate.broken
        await self._say(refusal if broken is None else broken.denial(), held)

    async def _say(self, refusal: Refusal, before: bytes) -> None:
        x = self._x
        x.refusal = refusal
        if self._sent is not None:
            self._sent.keep(before)
        await say_last(self._response, before + x.family.stream_error(refusal, x.request_id))

    def _events(self, data: bytes) -> list[bytes]:
        """The meter lets only whole events through; what the framer would still wait for is one, too."""
        events = self._framer.feed(data)
        rest = self._framer.flush()
        return [*events, rest] if rest else events


def relay_for(pipeline: Pipeline, x: Exchange, response: Stream, answer: Answer) -> Relay:
    """The relay of a stream: with a gate in it where a rule looks at the answer."""
    gate = gate_for(x)
    if gate is None:
        return Relay(pipeline, x, response, answer)
    return GuardedRelay(pipeline, x, response, answer, gate)


async def look_at_whole(x: Exchange, gate: OutputGate) -> Refusal | None:
    """An answer in one piece, before it is sent: a refusal where a rule keeps it back."""
    try:
        await _look(x, gate)
    except Exception as error:  # noqa: BLE001 - the same as in a stream
        gate.fail()
        note_findings(x, gate)
        raise _fault(error) from None
    if gate.broken is None:
        return None
    note_findings(x, gate)
    return gate.broken.denial()


async def send_before_looking(inbound: Inbound, x: Exchange, reply: Reply, gate: OutputGate) -> bool:
    """Send an answer in one piece, then let the rules look at it that have no say in whether it goes.

    False where it is still to be sent: every rule has looked already.
    """
    early = gate.looks_back or not gate.stops
    try:
        if early:
            with suppress(ConnectionError):  # the caller left; its answer came all the same
                await inbound.send(reply)
    finally:
        if not gate.stops:
            try:
                await _look(x, gate)
            except Exception as error:  # noqa: BLE001 - the same as in a stream
                _log_fault(x, gate, error)
        note_findings(x, gate)
    return early


async def _look(x: Exchange, gate: OutputGate) -> None:
    """A long answer takes its time in a thread, while others are served."""
    if len(x.answer) > _LONG:
        await asyncio.to_thread(gate.whole, x.answer)
    else:
        gate.whole(x.answer)


def note_findings(x: Exchange, gate: OutputGate) -> None:
    """What came of the rules, for the record; never raises."""
    try:
        x.output_findings = gate.findings()
    except Exception as error:  # noqa: BLE001 - the answer is out; only the finding is lost
        _log_fault(x, gate, error)
        x.output_findings = gate.findings()


def _fault(error: Exception) -> RuntimeError:
    return RuntimeError(f"fault in an output rule: {type(error).__name__}")


def _log_fault(x: Exchange, gate: OutputGate, error: Exception) -> None:
    """Without the message, which may quote the answer."""
    gate.fail()
    log.error("fault in an output rule", extra={"fields": {"id": x.id, "kind": type(error).__name__}})
