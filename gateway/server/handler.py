"""The data plane's one handler: it walks an exchange through the pipeline and writes what comes of it."""

import asyncio
import logging
from typing import Final

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.ids import new_id, valid_inbound_id
from gateway.core.refusal import Refusal
from gateway.exchange import Exchange
from gateway.identity.addresses import Origin
from gateway.runtime import Runtime
from gateway.server.body import BodyBudget, Lease, read_body
from gateway.server.drains import Drains
from gateway.server.guarded import gate_for, look_at_whole, relay_for, send_before_looking
from gateway.server.guards import check_body_head
from gateway.server.inbound import Inbound, Reply, Stream
from gateway.server.own_routes import answer_ourselves
from gateway.server.receipts import receipt_headers
from gateway.server.respond import JSON, exchange_head, refusal_reply, stream_head
from gateway.server.routes import Route, find
from gateway.server.stream import say_last
from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.faults import from_failure
from gateway.upstreams.headers import answer_headers

log = logging.getLogger("gateway")


class DataPlane:
    """Serves every request of the data listener, whichever lane it came by; it is settled and recorded, too."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pipeline = runtime.pipeline
        self._clock = runtime.clock
        limits, timers = runtime.settings.limits, runtime.settings.timers
        # Read once: every request asks.
        self._head_bytes: int = limits.head_bytes
        self._body_bytes: int = limits.body_bytes
        self._most_inflight: int = limits.max_inflight_requests
        self._body_s: float = timers.body_s
        self._body_min_rate: int = timers.body_min_rate
        self._budget = BodyBudget(limits.inflight_body_bytes, limits.inflight_body_bytes_per_account)
        runtime.metrics.watch("gateway_inflight_body_bytes", lambda: self._budget.used)
        self.drains = Drains(runtime)

    async def __call__(self, inbound: Inbound) -> Reply | None:
        """The answer to be sent; None where it went out already."""
        x, route = self._open(inbound)
        self._runtime.live.enter(x)
        try:
            reply = await (self._refuse(x, route) if isinstance(route, Refusal) else self._serve(inbound, x, route))
        except asyncio.CancelledError:
            if x.draining:
                raise
            if x.stop is None:
                self._pipeline.finish(x, _left(x))
                raise
            _uncancel()
            reply = await self._refuse(x, x.stop, Outcome.SHUTDOWN)
        except Exception:
            log.exception("fault while serving a request", extra={"fields": {"id": x.id}})
            fault = Refusal(reasons.INTERNAL_ERROR, "the gateway failed; its operator can find this request by its id")
            reply = await self._refuse(x, fault, Outcome.INTERNAL_ERROR)
        finally:
            if not x.draining:
                self._runtime.live.leave(x)
        doubt = x.refusal is not None and x.refusal.reason in _DOUBTFUL
        if self._runtime.draining or doubt or not inbound.body.arrived or inbound.method == "CONNECT":
            inbound.hang_up()  # unread or ambiguous bytes must never be taken for the next request
        return reply

    def _open(self, inbound: Inbound) -> tuple[Exchange, Route | Refusal]:
        """An exchange for any request at all, and its route or why it has none."""
        own_id = new_id("req-")
        headers = inbound.headers
        theirs = headers.get("x-request-id", "")
        found = find(inbound.method, inbound.target, headers.get("anthropic-version"))
        family, fault = (found.family, None) if isinstance(found, Route) else found
        x = Exchange(
            own_id=own_id,
            request_id=theirs if theirs and valid_inbound_id(theirs) else own_id,
            route=found.name if isinstance(found, Route) else "other",
            family=family,
            snapshot=self._runtime.snapshot,
            headers=headers,
            origin=Origin(inbound.remote, headers.getall("x-forwarded-for", ()), headers.getall("forwarded", ())),
            started_at=self._clock.monotonic(),
            started_ms=self._clock.now_ms(),
            dialect=found.dialect if isinstance(found, Route) else None,
        )
        fault = inbound.fault(self._head_bytes) or fault
        return x, fault or found  # type: ignore[return-value]  # without a fault, `found` is a Route

    async def _serve(self, inbound: Inbound, x: Exchange, route: Route) -> Reply | None:
        refusal = await self._pipeline.identify(x, inbound.claimed)
        if refusal is not None:
            return await self._refuse(x, refusal)
        if route.dialect is None:
            return await self._own(x, route)
        refusal = await self._take_in(inbound, x)
        if refusal is not None:
            return await self._refuse(x, refusal, _outcome_of(x, refusal))
        assert x.forwarded is not None
        try:
            if x.forwarded.answer.headers.get("content-type", "").lower().startswith("text/event-stream"):
                await self._stream(inbound, x)
                return None
            return await self._whole(inbound, x)
        except BaseException:
            if not self.drains.take(x):
                x.forwarded.answer.abort()
            raise

    async def _take_in(self, inbound: Inbound, x: Exchange) -> Refusal | None:
        """Body in, decision made, request sent. The body's bytes are held against the budget until it is."""
        most = self._body_bytes
        refusal = check_body_head(x.headers, inbound.body.announced, most) or self._full()
        if refusal is not None:
            return refusal
        assert x.principal is not None
        pipeline = self._pipeline
        with Lease(self._budget, x.principal.account.id) as held:
            began = self._clock.monotonic()
            raw = await read_body(
                inbound.body, held, max_bytes=most, grace_s=self._body_s, min_rate=self._body_min_rate
            )
            x.waited_s += self._clock.monotonic() - began
            if isinstance(raw, Refusal):
                return raw
            refusal = (
                pipeline.read(x, raw)
                or pipeline.rule(x)
                or await pipeline.reserve(x)
                or await pipeline.wait(x)
                or await pipeline.forward(x)
            )  # fmt: skip
            if x.ask is not None:
                # Nobody reads it any more, and the budget no longer counts it.
                x.ask.let_go()
                x.splices, x.inquiry = None, None
            return refusal

    def _full(self) -> Refusal | None:
        if len(self._runtime.live) <= self._most_inflight:
            return None
        return Refusal(reasons.OVERLOADED, "the gateway is serving as many requests as it can", retry_after_ms=1000)

    async def _whole(self, inbound: Inbound, x: Exchange) -> Reply | None:
        """An answer in one piece."""
        assert x.forwarded is not None
        answer = x.forwarded.answer
        began = self._clock.monotonic()
        try:
            x.answer = await answer.read()
        except UpstreamFailed as failure:
            answer.abort()
            return await self._refuse(
                x, from_failure(failure), Outcome.TIMED_OUT if failure.timeout else Outcome.UPSTREAM_CUT
            )
        finally:
            x.first_byte_at = self._clock.monotonic()
            x.waited_s += x.first_byte_at - began
        answer.finish()
        gate = gate_for(x)
        denied = await look_at_whole(x, gate) if gate is not None and gate.stops else None
        if denied is not None:
            return await self._refuse(x, denied, Outcome.POLICY_ENDED)
        receipt = await receipt_headers(self._pipeline, x)
        x.status = 200
        headers = exchange_head(x, self._clock.now_ms())
        headers += answer_headers(answer.headers)
        headers += receipt.items()
        reply = Reply(200, headers, x.answer)
        try:
            if gate is not None and await send_before_looking(inbound, x, reply, gate):
                return None
        except asyncio.CancelledError:
            if x.stop is None:
                raise
            _uncancel()
            inbound.abort()  # half of the answer is written, and its caller does not read
            return None
        finally:
            self._pipeline.finish(x, Outcome.COMPLETE)
        return reply

    async def _stream(self, inbound: Inbound, x: Exchange) -> None:
        """An answer as it comes. Once it has begun, whatever goes wrong is said in the stream."""
        assert x.forwarded is not None
        assert x.dialect is not None
        assert x.ask is not None
        settings, answer = x.forwarded.settings, x.forwarded.answer
        x.meter = x.dialect.meter(strip_usage=settings.stream_usage and not x.ask.wants_stream_usage)
        x.status = 200
        stream: Stream | None = None
        try:
            stream = await inbound.stream(stream_head(x, answer.headers, self._clock.now_ms()))
            x.slim()
            outcome = await relay_for(self._pipeline, x, stream, answer).run()
        except asyncio.CancelledError:
            if x.stop is None:
                raise
            _uncancel()
            answer.abort()
            x.refusal = x.stop
            if stream is None:
                inbound.abort()
            else:
                await say_last(stream, x.family.stream_error(x.stop, x.request_id))
            outcome = Outcome.SHUTDOWN if x.stop.reason is reasons.DRAINING else Outcome.CLIENT_GONE
        self._pipeline.finish(x, outcome)

    async def _own(self, x: Exchange, route: Route) -> Reply:
        """The routes that no upstream sees: models, the caller's own usage, its receipts."""
        body = await answer_ourselves(self._runtime, x, route)
        if isinstance(body, Refusal):
            return await self._refuse(x, body)
        x.status = 200
        self._pipeline.finish(x, Outcome.COMPLETE)
        headers = exchange_head(x, self._clock.now_ms())
        headers.append(JSON)
        return Reply(200, headers, body)

    async def _refuse(self, x: Exchange, refusal: Refusal, outcome: Outcome = Outcome.REFUSED) -> Reply:
        x.refusal = refusal
        await self._pipeline.scales.read(x)
        self._pipeline.rulebook.remember(x)
        reply = refusal_reply(x, refusal, self._clock.now_ms())
        self._pipeline.finish(x, outcome)
        return reply


_DOUBTFUL: Final = (
    reasons.INVALID_REQUEST, reasons.UPGRADE_REFUSED, reasons.HEADERS_TOO_LARGE, reasons.BODY_TOO_LARGE,
    reasons.REQUEST_TIMEOUT,
)  # fmt: skip
"""After these nobody can be sure that both sides agree where the next request begins."""


def _outcome_of(x: Exchange, refusal: Refusal) -> Outcome:
    """Whether it was us or the upstream that said no."""
    if not x.sent_at and not x.attempts and refusal.reason not in _BRIDGE:
        return Outcome.REFUSED
    return Outcome.UPSTREAM_REJECTED if refusal.reason is reasons.UPSTREAM_REJECTED else Outcome.UPSTREAM_FAILED


_BRIDGE: Final = (reasons.UPSTREAM_UNAVAILABLE, reasons.UPSTREAM_BUSY)
"""What the bridge answers without sending anything, when no upstream may be asked."""


def _left(x: Exchange) -> Outcome:
    """The caller closed: before its answer was whole, or right after the stream's own ending, as SDKs do."""
    return Outcome.COMPLETE if x.meter is not None and x.meter.finished else Outcome.CLIENT_GONE


def _uncancel() -> None:
    """A cancellation of our own making has been noticed and acted on."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
