"""The one mutable object of a request, filled phase by phase; everything recorded of it is read from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is kept of a request's text until it is answered: the two ends of the last user turn, and a fingerprint."""

    prompt: int
    head: str = field(repr=False)
    tail: str = field(repr=False)
    network: str
    client: str


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


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and all that became of it. Times named `_at` are seconds on the monotonic clock."""

    # door
    id: str
    """Ours alone: it names the reservation and the decision record."""
    request_id: str
    """What the caller sees: its own x-request-id where it sent a sane one, else `id`."""
    route: str
    family: Family
    snapshot: Snapshot
    headers: Mapping[str, str]
    started_at: float
    started_ms: int
    dialect: Dialect | None = None
    origin: Origin = field(default_factory=Origin, repr=False)
    """Where the request came from; recorded nowhere."""
    # name-plate
    principal: Principal | None = None
    # reading room
    ask: Ask | None = None
    splices: Splices | None = None
    """Long base64 strings that were lifted out of the body and go back in when it is sent."""
    model: Model | None = None
    prices: Prices | None = None
    upstreams: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    """What they are: openai, vllm …"""
    # rule book
    plan: Plan | None = None
    inquiry: Inquiry | None = field(default=None, repr=False)
    """What rules may still ask about the request's text; let go with it."""
    asked_late: bool = False
    """The rules that nobody waits for have been asked."""
    findings: tuple[Finding, ...] = ()
    """What rules said, for the record."""
    conditions: tuple[Condition, ...] = ()
    """Answers of rules that look at what no record holds."""
    facts: FactsRecord | None = None
    """What rules could look at, as the request came; None until it is read for the record."""
    tags: tuple[str, ...] = ()
    """Marks that rules put on the request, for the record."""
    ruling: Ruling | None = field(default=None, repr=False)
    """What rules in force said, until it is known whether the call counts."""
    delay_s: int = 0
    """Seconds that a rule lets the request wait before it is forwarded."""
    reduced: tuple[str, ...] = ()
    """Fields out of which rules took something."""
    rule_cap: int | None = None
    """Most output tokens of a choice that a rule leaves."""
    marking: Marking | None = field(default=None, repr=False)
    """What is decided about the answer's mark; None where no policy asks for one."""
    # scales
    prompt: int = 0
    """Fingerprint of the last user turn; 0 until somebody asks for it, and where it has no text."""
    reservation: Reservation | None = None
    verdict: Verdict | None = None
    readings: tuple[Reading, ...] = ()
    """Where the plan's limits stand, for advice headers: those of the verdict, or read without one."""
    remaining: Sequence[int] = ()
    """All that is kept of the verdict's readings once a stream has begun."""
    output_cap: int | None = None
    """Tokens per choice that the gateway writes into the request; None leaves the caller's own."""
    paid_output: int = 0
    """Output tokens that the reservation pays for."""
    pays_as_it_goes: bool = False
    """A stream without any output cap: it tops up its reservation when its output passes `paid_output`."""
    # bridge
    upstream_hold: str = ""
    """The open reservation on the limits of the upstream that is being asked or answers; empty where there is none."""
    forwarded: Forwarded | None = None
    attempts: tuple[Attempt, ...] = ()
    sent_at: float = 0.0
    looked_at: bool = False
    """What reads the request's text while the upstream works has had its turn."""
    # water-mill
    meter: StreamMeter | None = None
    answer: bytes = b""
    prompt_text: str = field(default="", repr=False)
    """The prompt, cut, where the answer's fingerprints are kept: its own phrases are none of them."""
    captures: bool = False
    """Keep what is written of a streamed answer in `captured`; an answer in one piece is in `answer` anyway."""
    captured: list[bytes] = field(default_factory=list, repr=False)
    """What went to the caller, in order and without the receipt's comment; whoever reads it lets it go."""
    holding: "Holding | None" = field(default=None, repr=False)
    """What `captured` and `prompt_text` take of the memory that all such exchanges share; None: nobody counts."""
    captured_cut: bool = False
    """More came than is kept; with nothing in `captured`, the shared memory was used up."""
    head_at: float = 0.0
    excerpt: Excerpt | None = field(default=None, repr=False)
    """For detectors; None before it is taken, after `finish`, and where nothing is written."""
    first_byte_at: float = 0.0
    output_findings: tuple[OutputFinding, ...] = ()
    """What came of each output rule, once the answer was looked at."""
    waited_s: float = 0.0
    """Seconds spent waiting for others: the caller's body, the upstream, a streamed answer."""
    write_began_at: float = 0.0
    """Non-zero while a write to the caller is pending; the watchdog looks at it."""
    # ending
    status: int = 0
    stop: Refusal | None = None
    """Why lifecycle or the watchdog ends this exchange, set before its handler is cancelled."""
    refusal: Refusal | None = None
    outcome: Outcome | None = None
    """None until `Pipeline.finish`, which acts once."""
    draining: bool = False
    """The caller left and a background task reads on for the usage: that task finishes the exchange."""
    settlement: Settlement | None = None
    notes: dict[str, str] = field(default_factory=dict)
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
