"""The one mutable object of a request, filled phase by phase; everything recorded of it is read from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.accounting.amounts import Reservation
from gateway.accounting.outcome import Outcome
from gateway.accounting.settlement import Settlement
from gateway.catalogue import Catalogue
from gateway.core.account import Principal
from gateway.core.ask import Ask
from gateway.core.model import Model, Prices
from gateway.core.refusal import Refusal
from gateway.core.splice import Splices
from gateway.dialects.base import Dialect, Family, StreamMeter
from gateway.engine.verdict import Reading, Verdict
from gateway.identity.addresses import Origin
from gateway.identity.countries import Countries
from gateway.identity.directory import Directory
from gateway.observe.facts import FactsRecord
from gateway.policy.archive import NO_DOCUMENTS, Documents
from gateway.policy.compile import PolicySet
from gateway.policy.finding import Finding
from gateway.policy.inquiry import Inquiry
from gateway.policy.output.finding import OutputFinding
from gateway.policy.plan import Plan
from gateway.policy.ruling import Condition, Ruling
from gateway.upstreams.forwarded import Attempt, Forwarded
from gateway.watermarks.issued import Marking

_STILL_READ: Final = ("user-agent", "x-stainless-retry-count")
"""Of the request's headers, when its stream has begun: the detectors' glance and the counts may come after it."""
_NO_HEADERS: Final[Mapping[str, str]] = {}
_NO_KINDS: Final[frozenset[str]] = frozenset()
_NOWHERE: Final = Origin()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What may change on reload, swapped as one reference. An exchange keeps the one it began with."""

    directory: Directory
    catalogue: Catalogue
    policies: PolicySet
    countries: Countries | None = None
    """Where addresses are; None where no file says it."""
    documents: Documents = NO_DOCUMENTS
    """What the policies were made from, for the archive of revisions."""


class Excerpt:
    """What is kept of a request's text until it is answered: the two ends of the last user turn, and a fingerprint."""

    __slots__ = ("client", "head", "network", "prompt", "tail")

    def __init__(self, prompt: int, head: str, tail: str, *, network: str, client: str) -> None:
        self.prompt = prompt
        self.head = head
        self.tail = tail
        self.network = network
        self.client = client


@dataclass(slots=True)
class Holding:
    """One holder's part of a number of bytes that many share."""

    room: list[int]
    """The bytes that are left for all, in a list of one, so that every holder sees the same."""
    held: int = 0

    def take(self, size: int) -> bool:
        """Whether there was room for so many more."""
        if size > self.room[0]:
            return False
        self.room[0] -= size
        self.held += size
        return True

    def release(self) -> None:
        self.room[0] += self.held
        self.held = 0


class Exchange:
    """One request and all that became of it. Times named `_at` are seconds on the monotonic clock.

    Written out, as all that is made for every request: the `__init__` that a dataclass gets is never compiled.
    """

    __slots__ = (
        "answer", "ask", "asked_late", "attempts", "captured", "captured_cut", "captures", "conditions", "delay_s",
        "dialect", "draining", "excerpt", "facts", "family", "findings", "first_byte_at", "forwarded", "head_at",
        "headers", "holding", "id", "inquiry", "kinds", "looked_at", "marking", "meter", "model", "notes", "origin",
        "outcome", "output_cap", "output_findings", "paid_output", "pays_as_it_goes", "plan", "prices", "principal",
        "prompt", "prompt_text", "readings", "reduced", "refusal", "remaining", "request_id", "reservation", "route",
        "rule_cap", "ruling", "sent_at", "settlement", "snapshot", "splices", "started_at", "started_ms", "status",
        "stop", "tags", "upstream_hold", "upstreams", "verdict", "waited_s", "write_began_at",
    )  # fmt: skip

    def __init__(
        self,
        *,
        own_id: str,
        request_id: str,
        route: str,
        family: Family,
        snapshot: Snapshot,
        headers: Mapping[str, str],
        started_at: float,
        started_ms: int,
        dialect: Dialect | None = None,
        origin: Origin = _NOWHERE,
    ) -> None:
        # door
        self.id = own_id
        """Ours alone: it names the reservation and the decision record."""
        self.request_id = request_id
        """What the caller sees: its own x-request-id where it sent a sane one, else `id`."""
        self.route = route
        self.family = family
        self.snapshot = snapshot
        self.headers = headers
        self.started_at = started_at
        self.started_ms = started_ms
        self.dialect = dialect
        self.origin = origin
        """Where the request came from; recorded nowhere."""
        # name-plate
        self.principal: Principal | None = None
        # reading room
        self.ask: Ask | None = None
        self.splices: Splices | None = None
        """Long base64 strings that were lifted out of the body and go back in when it is sent."""
        self.model: Model | None = None
        self.prices: Prices | None = None
        self.upstreams: tuple[str, ...] = ()
        self.kinds = _NO_KINDS
        """What they are: openai, vllm …"""
        # rule book
        self.plan: Plan | None = None
        self.inquiry: Inquiry | None = None
        """What rules may still ask about the request's text; let go with it."""
        self.asked_late = False
        """The rules that nobody waits for have been asked."""
        self.findings: tuple[Finding, ...] = ()
        """What rules said, for the record."""
        self.conditions: tuple[Condition, ...] = ()
        """Answers of rules that look at what no record holds."""
        self.facts: FactsRecord | None = None
        """What rules could look at, as the request came; None until it is read for the record."""
        self.tags: tuple[str, ...] = ()
        """Marks that rules put on the request, for the record."""
        self.ruling: Ruling | None = None
        """What rules in force said, until it is known whether the call counts."""
        self.delay_s = 0
        """Seconds that a rule lets the request wait before it is forwarded."""
        self.reduced: tuple[str, ...] = ()
        """Fields out of which rules took something."""
        self.rule_cap: int | None = None
        """Most output tokens of a choice that a rule leaves."""
        self.marking: Marking | None = None
        """What is decided about the answer's mark; None where no policy asks for one."""
        # scales
        self.prompt = 0
        """Fingerprint of the last user turn; 0 until somebody asks for it, and where it has no text."""
        self.reservation: Reservation | None = None
        self.verdict: Verdict | None = None
        self.readings: tuple[Reading, ...] = ()
        """Where the plan's limits stand, for advice headers: those of the verdict, or read without one."""
        self.remaining: Sequence[int] = ()
        """All that is kept of the verdict's readings once a stream has begun."""
        self.output_cap: int | None = None
        """Tokens per choice that the gateway writes into the request; None leaves the caller's own."""
        self.paid_output = 0
        """Output tokens that the reservation pays for."""
        self.pays_as_it_goes = False
        """A stream without any output cap: it tops up its reservation when its output passes `paid_output`."""
        # bridge
        self.upstream_hold = ""
        """The open reservation on the limits of the upstream that is asked or answers; empty where there is none."""
        self.forwarded: Forwarded | None = None
        self.attempts: tuple[Attempt, ...] = ()
        self.sent_at = 0.0
        self.looked_at = False
        """What reads the request's text while the upstream works has had its turn."""
        # water-mill
        self.meter: StreamMeter | None = None
        self.answer = b""
        self.prompt_text = ""
        """The prompt, cut, where the answer's fingerprints are kept: its own phrases are none of them."""
        self.captures = False
        """Keep what is written of a streamed answer in `captured`; an answer in one piece is in `answer` anyway."""
        self.captured: list[bytes] = []
        """What went to the caller, in order and without the receipt's comment; whoever reads it lets it go."""
        self.holding: Holding | None = None
        """What `captured` and `prompt_text` take of the memory that all such exchanges share; None: nobody counts."""
        self.captured_cut = False
        """More came than is kept; with nothing in `captured`, the shared memory was used up."""
        self.head_at = 0.0
        self.excerpt: Excerpt | None = None
        """For detectors; None before it is taken, after `finish`, and where nothing is written."""
        self.first_byte_at = 0.0
        self.output_findings: tuple[OutputFinding, ...] = ()
        """What came of each output rule, once the answer was looked at."""
        self.waited_s = 0.0
        """Seconds spent waiting for others: the caller's body, the upstream, a streamed answer."""
        self.write_began_at = 0.0
        """Non-zero while a write to the caller is pending; the watchdog looks at it."""
        # ending
        self.status = 0
        self.stop: Refusal | None = None
        """Why lifecycle or the watchdog ends this exchange, set before its handler is cancelled."""
        self.refusal: Refusal | None = None
        self.outcome: Outcome | None = None
        """None until `Pipeline.finish`, which acts once."""
        self.draining = False
        """The caller left and a background task reads on for the usage: that task finishes the exchange."""
        self.settlement: Settlement | None = None
        self.notes: dict[str, str] = {}
        """Response headers that name what the gateway changed (`x-gateway-…`)."""

    def slim(self) -> None:
        """Let go of what nobody reads any more once a stream has begun: streams are many and long.

        A store keeps the verdict for a reserve that is said twice, which nobody does once the answer is there.
        """
        self.headers = {name: self.headers[name] for name in _STILL_READ if name in self.headers} or _NO_HEADERS
        self.readings = ()
        if self.verdict is not None:
            self.remaining = tuple(reading.remaining for reading in self.verdict.readings)
            self.verdict.readings = ()
