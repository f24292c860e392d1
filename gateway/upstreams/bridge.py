"""Carries one request over to one of several upstreams: pick, send, ask elsewhere before the first byte."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import random
from typing import Final

from gateway.core.clock import Clock
from gateway.core.ports import Events
from gateway.core.refusal import Refusal
from gateway.upstreams import faults
from gateway.upstreams.base import Answer, Transport, UpstreamFailed
from gateway.upstreams.breaker import Breaker
from gateway.upstreams.errand import Amend, Errand, MakeCall, Miss, PassedOver
from gateway.upstreams.error_body import error_body, unread
from gateway.upstreams.forwarded import Attempt, Forwarded, NotForwarded, Status
from gateway.upstreams.gate import Gate, Left
from gateway.upstreams.headers import media_type
from gateway.upstreams.nobody import nobody
from gateway.upstreams.pick import pick
from gateway.upstreams.settings import UpstreamSettings
from gateway.upstreams.speakers import Speakers
from gateway.upstreams.upstream import Upstream

MAX_ATTEMPTS: Final = 3
_MOST_SPEAKERS: Final = 10_000
"""More models than anybody has: what reloads leave behind is bounded."""
_UNTOUCHED: Final = Left.UNTOUCHED
_UNKNOWN: Final = Left.UNKNOWN


class Bridge:
    """Forwards over named upstreams. Built from settings; a reload builds another and closes this one when idle.

    Retries happen only before anything was passed on, at most twice, and only where the upstream cannot have
    taken the request on: it was not reached, an idle connection had died, or it said 429, 502, 503 or 529 and
    another one may be asked.
    """

    def __init__(
        self,
        upstreams: Sequence[UpstreamSettings],
        make_transport: Callable[[UpstreamSettings], Transport],
        clock: Clock,
        events: Events,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._clock = clock
        self._events = events
        self._turn = 0
        self._upstreams = {
            settings.name: Upstream(settings, make_transport(settings), Breaker(jitter)) for settings in upstreams
        }
        self._speakers: dict[tuple[tuple[str, ...], str], Speakers] = {}
        self._releases = {name: partial(self._released, one) for name, one in self._upstreams.items()}

    def upstream(self, name: str) -> Upstream:
        """Raises KeyError for a name that is not configured."""
        return self._upstreams[name]

    def speakers(self, names: tuple[str, ...], dialect: str) -> Speakers:
        """Those of `names` that speak a dialect. Raises KeyError for a name that is not configured."""
        known = self._speakers.get((names, dialect))
        if known is None:
            if len(self._speakers) >= _MOST_SPEAKERS:
                self._speakers.clear()
            found = Speakers(self._upstreams[name].settings for name in names)
            known = self._speakers[names, dialect] = found.of(dialect)
        return known

    async def forward(
        self,
        candidates: Sequence[str],
        make_call: MakeCall,
        hide: Mapping[str, str] | None = None,
        model: str = "",
        gate: Gate | None = None,
        *,
        amend: Amend | None = None,
    ) -> Forwarded | NotForwarded:
        """Send what `make_call` makes for the picked upstream. A Forwarded must be released exactly once.

        `hide` maps names that error texts must not show to what the caller knows instead. `model` is the upstream's
        name of the model: an upstream that is busy with one may still be asked for another. `gate` is passed before
        each attempt; an upstream without room is passed over, which is no attempt. `amend` is asked after a rejection
        whether the same upstream should be asked in another way.
        """
        errand = Errand(make_call, hide or {}, model, gate, amend)
        attempts: list[Attempt] = []
        passed: list[Refusal] = []
        left = [self._upstreams[name] for name in candidates]
        same: Upstream | None = None
        refusal: Refusal | None = None
        most = MAX_ATTEMPTS
        while len(attempts) < most:
            upstream = same or self._pick(left, model)
            if upstream is None:
                now = self._clock.monotonic()
                return NotForwarded(nobody(left, model, now, refusal, passed), tuple(attempts))
            result = await self._attempt(upstream, errand, attempts)
            if isinstance(result, Forwarded):
                return result
            if isinstance(result, PassedOver):
                passed.append(result.refusal)
                left, same = [other for other in left if other is not upstream], None
                continue
            refusal = result.refusal
            if result.outcome == "rejected" and amend is not None and amend(upstream, refusal.status or 0):
                same, most = upstream, most + 1  # what was amended was our own doing, and costs the caller no attempt
                continue
            died_idle = result.again and same is None
            if died_idle:
                same = upstream
                continue
            same = None
            left = [other for other in left if other is not upstream]
            if not (result.elsewhere or result.again):
                break
        assert refusal is not None
        return NotForwarded(refusal, tuple(attempts))

    def _pick(self, left: Sequence[Upstream], model: str) -> Upstream | None:
        now = self._clock.monotonic()
        if len(left) == 1:
            only = left[0]
            return only if only.ready(now, model) else None
        self._turn += 1
        chosen = pick([upstream.candidate(now, model) for upstream in left], self._turn)
        return None if chosen is None else self._upstreams[chosen.name]

    async def _attempt(
        self, upstream: Upstream, errand: Errand, attempts: list[Attempt]
    ) -> Forwarded | Miss | PassedOver:
        upstream.outstanding += 1
        upstream.breaker.claim()
        full = None if errand.gate is None else await self._enter(upstream, errand.gate)
        if full is not None:
            return full
        outcome, detail, left = "cancelled", "", _UNTOUCHED
        kept = False
        try:
            call = errand.make_call(upstream)
            left = _UNKNOWN
            try:
                answer = await upstream.transport.send(call)
            except UpstreamFailed as failure:
                miss = self._missed(upstream, failure)
            else:
                if 200 <= answer.status < 300 and media_type(answer.headers) is not None:
                    outcome, kept = "answered", True
                    return self._kept(upstream, errand, answer, attempts)
                miss = await self._refused(upstream, answer, errand)
            outcome, detail, left = miss.outcome, miss.detail, miss.left
            return miss
        finally:
            if not kept:
                upstream.outstanding -= 1
                if outcome == "cancelled":
                    upstream.breaker.forget()
                if errand.gate is not None:
                    errand.gate.leave(left)
                attempts.append(Attempt(upstream.name, outcome))
            self._events.emit("upstream.attempt", upstream=upstream.name, outcome=outcome, detail=detail)

    async def _enter(self, upstream: Upstream, gate: Gate) -> PassedOver | None:
        try:
            full = await gate.enter(upstream.name)
        except BaseException:
            _give_up(upstream)
            raise
        if full is None:
            return None
        _give_up(upstream)
        self._events.emit("upstream.passed_over", upstream=upstream.name, reason=full.reason.code)
        return PassedOver(full)

    def _kept(self, upstream: Upstream, errand: Errand, answer: Answer, before: Sequence[Attempt]) -> Forwarded:
        if upstream.breaker.open:
            self._judge(upstream, Breaker.answered)
        attempts = (*before, *upstream.answered) if before else upstream.answered
        return Forwarded(
            upstream.settings,
            answer,
            attempts,
            secrets=upstream.secrets,
            names=errand.hide,
            release=self._releases[upstream.name],
        )

    def _missed(self, upstream: Upstream, failure: UpstreamFailed) -> Miss:
        refusal = faults.from_failure(failure)
        if failure.stale:
            # The upstream only closed an idle connection: no fault, and no news about its health.
            upstream.breaker.forget()
            return Miss("stale", refusal, _UNTOUCHED, again=True)
        self._judge(upstream, lambda breaker: breaker.failed(self._clock.monotonic()))
        outcome = "timeout" if failure.timeout else "unreachable" if failure.phase == "connect" else "broken"
        left = _UNKNOWN if failure.sent else _UNTOUCHED
        return Miss(outcome, refusal, left, elsewhere=not failure.sent, detail=str(failure))

    async def _refused(self, upstream: Upstream, answer: Answer, errand: Errand) -> Miss:
        status = answer.status
        if 200 <= status < 300:
            answer.abort()
            return self._missed(upstream, UpstreamFailed("body", "the answer is neither JSON nor an event stream"))
        hide = {**upstream.secrets, **errand.hide}
        body = await error_body(answer) if status in faults.REJECTED else unread(answer)
        refusal = faults.from_answer(status, answer.headers, body, self._clock.now_ms(), hide)
        now = self._clock.monotonic()
        asked = faults.retry_after_ms(answer.headers, self._clock.now_ms())
        if status in (401, 403):
            outcome = "credentials"
            self._judge(upstream, lambda breaker: breaker.doubt(now))
        elif status == 429 or (status in faults.BUSY and asked is not None):
            outcome = "busy"
            wait_s = (faults.DEFAULT_WAIT_MS if asked is None else asked) / 1000
            # Providers limit per model and key; overload is of the whole upstream.
            model = errand.model if status == 429 else ""
            self._judge(upstream, lambda breaker: breaker.pause(now, wait_s, model))
        elif status == 500:
            outcome = "failed"
            self._judge(upstream, lambda breaker: breaker.stumbled(now))
        elif status >= 500 or status == 408:
            outcome = "failed"
            self._judge(upstream, lambda breaker: breaker.failed(now))
        else:
            outcome = "rejected"
            self._judge(upstream, Breaker.succeeded)
        return Miss(outcome, refusal, Left.REFUSED, elsewhere=status in faults.ELSEWHERE)

    def _released(self, upstream: Upstream, ok: bool | None) -> None:
        upstream.outstanding -= 1
        if ok is True:
            if upstream.breaker.open:
                self._judge(upstream, Breaker.succeeded)
            else:
                upstream.breaker.succeeded()
        elif ok is False:
            self._judge(upstream, lambda breaker: breaker.failed(self._clock.monotonic()))

    def _judge(self, upstream: Upstream, verdict: Callable[[Breaker], None]) -> None:
        before = upstream.breaker.open
        verdict(upstream.breaker)
        after = upstream.breaker.open
        if before != after:
            self._events.emit("upstream.state", upstream=upstream.name, open=int(after))

    def snapshot(self) -> list[Status]:
        """Every upstream as admin pages and gauges show it, in the order of the settings."""
        now = self._clock.monotonic()
        return [
            Status(name, not upstream.breaker.open and not upstream.breaker.suspect(now), upstream.outstanding)
            for name, upstream in self._upstreams.items()
        ]

    async def close(self) -> None:
        await asyncio.gather(*(upstream.transport.close() for upstream in self._upstreams.values()))


def _give_up(upstream: Upstream) -> None:
    """Nothing was sent after all."""
    upstream.outstanding -= 1
    upstream.breaker.forget()
