"""One request, phase by phase, in the order it happens.

    identify → read → rule → reserve → wait → forward → (the server relays the answer) → finish

Each phase asks one room one question and returns a Refusal or None; the first refusal ends the walk. `finish` is
reached on every path and does its work once. Only `identify` (a key that is not in memory), `reserve`, `wait` and
`forward` may suspend.
"""

from dataclasses import dataclass, field
from functools import partial

from gateway.accounting.outcome import Outcome
from gateway.archive import Archive
from gateway.core import jsonio, reasons
from gateway.core.clock import Clock
from gateway.core.refusal import Refusal
from gateway.core.splice import THRESHOLD, splice
from gateway.delays import Delays
from gateway.dialects.base import Rewrite
from gateway.dialects.texts import PARTS
from gateway.exchange import Exchange
from gateway.gates import Gates
from gateway.identity.authenticate import Claim, authenticate
from gateway.identity.lookup import KeyLookup
from gateway.identity.pseudonym import Pseudonyms
from gateway.later import Later
from gateway.marks import Marks
from gateway.receipts.receipts import Receipts
from gateway.rulebook import RuleBook
from gateway.scales import Scales
from gateway.scribe import Scribe
from gateway.sight import Sight
from gateway.upstreams.base import Call
from gateway.upstreams.bridge import Bridge
from gateway.upstreams.forwarded import NotForwarded
from gateway.upstreams.upstream import Upstream


@dataclass(slots=True)
class Pipeline:
    """The rooms a request walks through, wired once by runtime."""

    lookup: KeyLookup
    scales: Scales
    gates: Gates
    bridge: Bridge
    pseudonyms: Pseudonyms
    archive: Archive
    sight: Sight
    rulebook: RuleBook
    marks: Marks
    delays: Delays
    clock: Clock
    receipts: Receipts | None = None
    """None where no settings say how they are signed."""
    scribe: Scribe | None = None
    """None where no settings say where to write."""
    glances: Later = field(init=False)
    aftermath: Later = field(init=False)

    def __post_init__(self) -> None:
        self.glances = Later(self._look_in_passing)
        self.aftermath = Later(self._write_down)

    async def identify(self, x: Exchange, claimed: Claim | Refusal) -> Refusal | None:
        """Name-plate: who is calling. Before the body is read, so that strangers cost little."""
        directory = x.snapshot.directory
        key_id = claimed.id_outside(directory) if isinstance(claimed, Claim) else None
        stored = None if key_id is None else self.lookup.cached(key_id) or await self.lookup.find(key_id)
        if isinstance(stored, Refusal):
            return stored
        who = authenticate(claimed, directory, x.started_ms, stored, self.lookup.standings)
        if isinstance(who, Refusal):
            return who
        x.principal = who
        return None

    def read(self, x: Exchange, raw: bytes) -> Refusal | None:
        """Reading room: one strict parse; the model and the upstreams that may serve it in this dialect."""
        assert x.dialect is not None
        if len(raw) > THRESHOLD:
            raw, x.splices = splice(raw)
        try:
            body = jsonio.loads(raw)
        except jsonio.JsonError as error:
            return Refusal(reasons.INVALID_JSON, f"the body is not valid JSON: {error}")
        if not isinstance(body, dict):
            return Refusal(reasons.INVALID_JSON, "the body must be a JSON object")
        ask = x.dialect.read(body)
        if isinstance(ask, Refusal):
            return ask
        if x.splices is not None:
            texts = x.dialect.texts(body)
            ask.hidden_bytes = x.splices.within(piece for part in PARTS for piece in getattr(texts, part))
            ask.prompt_bytes += ask.hidden_bytes
            ask.last_user_text = x.splices.named(ask.last_user_text)
        x.ask = ask
        x.model = x.snapshot.catalogue.lookup(ask.model)
        if x.model is None:
            return _no_model(ask.model)
        x.prices = x.model.prices_at(x.started_ms)
        return self._choose_upstreams(x)

    def _choose_upstreams(self, x: Exchange) -> Refusal | None:
        """Those that speak the dialect and whose kind accepts every field."""
        assert x.dialect is not None
        assert x.ask is not None
        assert x.model is not None
        speakers = self.bridge.speakers(x.model.upstreams, x.dialect.name)
        refusal: Refusal | None = None
        faults = []
        for kind, pass_unknown in speakers.sorts:
            fault = x.dialect.check_fields(x.ask, kind, pass_unknown=pass_unknown)
            if fault is not None:
                refusal = refusal or fault
                faults.append((kind, pass_unknown))
        if faults:
            speakers = speakers.without(faults)
        x.upstreams, x.kinds = speakers.names, speakers.kinds
        if x.upstreams:
            return None
        return refusal or _no_model(x.ask.model)

    def rule(self, x: Exchange) -> Refusal | None:
        """Rule book: the plan for this account, route and model, and what it says to this very request."""
        refusal = self.rulebook.rule(x) or self.marks.decide(x, self._bias_entries)
        if refusal is None and self.scribe is not None:
            self.scribe.begin(x)
        return refusal

    def _bias_entries(self, upstream: str) -> int:
        return self.bridge.upstream(upstream).settings.logit_bias_entries

    async def reserve(self, x: Exchange) -> Refusal | None:
        """Scales: one batched reserve over all limits, all or nothing."""
        refusal = await self.scales.reserve(x)
        self.rulebook.remember(x)
        return refusal

    async def wait(self, x: Exchange) -> Refusal | None:
        """Where a rule slows this caller down. What was reserved stays held meanwhile."""
        if not x.delay_s:
            return None
        assert x.principal is not None
        began = self.clock.monotonic()
        try:
            waited = await self.delays.wait(x.principal.account.id, x.delay_s)
        finally:
            x.waited_s += self.clock.monotonic() - began
        if not waited:
            message = f"a policy slows this account's requests down by {x.delay_s}s, and too many wait already"
            return Refusal(reasons.OVERLOADED, message, retry_after_ms=x.delay_s * 1000)
        x.notes["x-gateway-delay"] = f"{x.delay_s}s"
        return None

    async def forward(self, x: Exchange) -> Refusal | None:
        """Bridge: send our own bytes to a healthy upstream with room; its head is here when this returns."""
        assert x.ask is not None
        assert x.model is not None
        began = self.clock.monotonic()
        name, gate = x.model.upstream_name, self.gates.of(x)
        amend = None if x.marking is None else partial(self.marks.rejected, x)
        make_call = partial(self._make_call, x)
        result = await self.bridge.forward(x.upstreams, make_call, {name: x.ask.model}, name, gate, amend=amend)
        x.head_at = head_at = self.clock.monotonic()
        x.waited_s += head_at - began
        x.attempts = result.attempts
        if isinstance(result, NotForwarded):
            refusal = result.refusal
            if x.marking is not None and x.marking.sent_to and refusal.reason is reasons.UPSTREAM_REJECTED:
                # Its words are about a request with our entries in it, and may quote them.
                refusal.message, refusal.param = "the model server refused the request", None
            return refusal
        x.forwarded = result
        if x.marking is not None:
            x.marking.answered = True
        self._look_in_passing(x, x.head_at)  # where the answer was there at once
        return None

    def _make_call(self, x: Exchange, upstream: Upstream) -> Call:
        x.sent_at = self.clock.monotonic()
        if not x.looked_at:  # when everybody waits for the upstream: for its answer, or for a new connection to it
            self.glances.of(x, x.sent_at)
        return self._call(x, upstream)

    def _look_in_passing(self, x: Exchange, _now: float) -> None:
        """What may look at the text without anybody waiting for it, once."""
        if x.looked_at:
            return
        x.looked_at = True
        self.sight.glance(x)
        if self.scribe is not None:
            self.scribe.glance(x)
        self.rulebook.late(x)

    def _call(self, x: Exchange, upstream: Upstream) -> Call:
        assert x.dialect is not None
        assert x.ask is not None
        assert x.model is not None
        assert x.principal is not None
        account = x.principal.account
        rewrite = Rewrite(
            model=x.model.upstream_name,
            output_cap=x.output_cap,
            ask_stream_usage=x.ask.stream and upstream.settings.stream_usage and not x.ask.wants_stream_usage,
            pseudonym=self.pseudonyms.of(account.id),
            cache_partition=self.pseudonyms.of(account.org),
            bias=None if x.marking is None else self.marks.bias(x, upstream.settings),
        )
        body = x.dialect.rewrite(x.ask, rewrite, upstream.settings.kind)
        if x.splices is not None:
            body = x.splices.restore(body)
        return upstream.call(
            x.dialect.name, x.dialect.path, body, caller=x.headers, request_id=x.id, stream=x.ask.stream
        )

    def finish(self, x: Exchange, outcome: Outcome) -> None:
        """Ledger: settle with what was observed, exactly once, since the caller's next request may depend on it. All
        else is left for the end of the turn. Never suspends, never raises for the caller's doing, so that no
        cancellation can come between.
        """
        if x.outcome is not None:
            return
        x.outcome = outcome
        try:
            if x.reservation is not None:
                self.scales.settle(x, outcome)
                self.gates.settle(x)
        finally:
            # A fault of ours in settling leaves the reservation to its expiry; the upstream must not stay occupied.
            if x.forwarded is not None:
                x.forwarded.release(_fault_of_upstream(outcome))
            self.rulebook.close(x)
            self.aftermath.of(x, self.clock.monotonic())

    def _write_down(self, x: Exchange, now: float) -> None:
        """Archive, detectors and fingerprints, when the answer has left: nobody waits for them."""
        try:
            self.archive.record(x, now)
            self.sight.look(x)
        finally:
            if self.scribe is not None:
                self.scribe.take(x)


def _no_model(name: str) -> Refusal:
    return Refusal(
        reasons.MODEL_NOT_FOUND, f"the model '{name}' does not exist or is not served on this route", param="model"
    )


def _fault_of_upstream(outcome: Outcome) -> bool | None:
    """What an ending says about the upstream's health: True good, False bad, None nothing."""
    if outcome is Outcome.COMPLETE:
        return True
    if outcome in (Outcome.UPSTREAM_CUT, Outcome.TIMED_OUT):
        return False
    return None
