"""The byte pump of a streamed answer: forward at once, meter beside, end in the dialect's own words."""

import asyncio
import logging

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.dialects.base import StreamBroken, StreamMeter
from gateway.exchange import Exchange
from gateway.pipeline import Pipeline
from gateway.server.inbound import Stream
from gateway.server.sent import Sent, sent_of
from gateway.upstreams.base import Answer, UpstreamFailed
from gateway.upstreams.faults import from_event, from_failure

log = logging.getLogger("gateway")

_PIECE = 4096
"""Bytes of a stream that are paid for at a time; at most some hundred tokens."""
_LAST_WORDS_S = 2.0
"""How long a caller that is being cut off may take to accept the closing event."""


class Relay:
    """One stream from an upstream to a caller."""

    def __init__(self, pipeline: Pipeline, x: Exchange, response: Stream, answer: Answer) -> None:
        assert x.meter is not None
        self._pipeline = pipeline
        self._x = x
        self._meter: StreamMeter = x.meter
        self._response = response
        self._answer = answer
        self._now = pipeline.clock.monotonic
        self._sent: Sent | None = sent_of(pipeline, x)

    async def run(self) -> Outcome:
        """Pump until the end; the caller got the dialect's ending whenever it is still there to get it.

        A cancellation with `x.stop` set is ours (shutdown, slow reader): the caller is told and the outcome
        returned. Any other means that the caller left; it goes on to the handler.
        """
        began = self._now()
        try:
            return await self._pump()
        except UpstreamFailed as failure:
            self._answer.abort()
            await self._say_error(from_failure(failure))
            return Outcome.TIMED_OUT if failure.timeout else Outcome.UPSTREAM_CUT
        except StreamBroken as broken:
            self._answer.abort()
            await self._say_error(Refusal(reasons.UPSTREAM_ERROR, str(broken)))
            return Outcome.UPSTREAM_CUT
        except ConnectionError:
            # The caller's connection broke while we wrote: the same as its handler being cancelled.
            raise asyncio.CancelledError from None
        except Exception:
            log.exception("fault while relaying a stream", extra={"fields": {"id": self._x.id}})
            self._answer.abort()
            await self._say_error(Refusal(reasons.INTERNAL_ERROR, "the gateway failed while relaying this answer"))
            return Outcome.INTERNAL_ERROR
        finally:
            self._x.waited_s += self._now() - began

    async def _pump(self) -> Outcome:
        meter = self._meter
        x = self._x
        async for chunk in self._answer.chunks():
            out, paid = await self._paid(chunk) if x.pays_as_it_goes else (meter.feed(chunk), True)
            if meter.failed:
                return await self._upstream_error(out)
            if not paid:
                self._answer.abort()
                await self._end_for_budget(out)
                return Outcome.BUDGET_ENDED
            if out:
                await self._write(out)
        rest = meter.flush()
        if meter.failed:
            return await self._upstream_error(rest)
        if not meter.finished:
            raise UpstreamFailed("body", "the stream ended without its ending")  # and `rest` is half an event
        if rest:
            await self._write(rest)
        self._answer.finish()
        return Outcome.COMPLETE

    async def _paid(self, chunk: bytes) -> tuple[bytes, bool]:
        """Meter a chunk, a little at a time: one that holds a thousand tokens must not run that far past its money.

        Whoever leaves meanwhile pays for all of it.
        """
        out = bytearray()
        for end in range(_PIECE, len(chunk) + _PIECE, _PIECE):
            out += self._meter.feed(chunk[end - _PIECE : end])
            if self._meter.failed:
                break
            try:
                if not await self._pipeline.scales.pay_for(self._x):
                    return bytes(out), False
            except asyncio.CancelledError:
                self._meter.feed(chunk[end:])
                raise
        return bytes(out), True

    async def _upstream_error(self, out: bytes) -> Outcome:
        """The upstream's error event is replaced by ours: its words may name what a caller must not learn."""
        self._answer.abort()
        if out:
            await self._write(out)
        assert self._x.forwarded is not None
        await self._say_error(from_event(self._meter.error, self._x.forwarded.hide))
        return Outcome.UPSTREAM_CUT

    async def _end_for_budget(self, out: bytes) -> None:
        if self._sent is not None:
            self._sent.keep(out)
        await say_last(self._response, out + self._meter.end_for_budget())

    async def _write(self, data: bytes) -> None:
        x = self._x
        if self._sent is not None:
            data = self._sent.through(data)
        x.write_began_at = now = self._now()
        if not x.first_byte_at:
            x.first_byte_at = now
        await self._response.write(data)
        x.write_began_at = 0.0

    async def _say_error(self, refusal: Refusal) -> None:
        self._x.refusal = refusal
        await say_last(self._response, self._x.family.stream_error(refusal, self._x.request_id))


async def say_last(response: Stream, event: bytes) -> None:
    """Write a closing event within a bounded time; whether it arrived changes nothing any more."""
    try:
        async with asyncio.timeout(_LAST_WORDS_S):
            await response.write(event)
    except (TimeoutError, ConnectionError):
        pass
