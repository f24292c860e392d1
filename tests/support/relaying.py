"""One stream through a relay of the server, without a socket: what the caller would read, and what was noted."""

from types import SimpleNamespace

from gateway.core.clock import ManualClock
from gateway.dialects import DIALECTS
from gateway.policy.mark_plan import NOTHING
from gateway.server.guarded import relay_for
from tests.support.output_rules import rule, rules
from tests.support.walking import FakeAnswer

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
GUARDS = {
    "unguarded": None,
    "held back": lambda: rules(rule("hold_back")),
    "windowed": lambda: rules(rule("windowed")),
    "audit": lambda: rules(rule("hold_back", mode="audit")),
}


class Caller:
    """A stream that takes everything."""

    pipe = None

    def __init__(self):
        self.writes = []

    @property
    def body(self):
        return b"".join(self.writes)

    async def write(self, data):
        self.writes.append(bytes(data))

    async def write_eof(self):
        pass


def exchange(dialect, *, guard="unguarded", captures=False, wants=NOTHING, strip=False):
    made = GUARDS[guard]
    spoken = BY_NAME[dialect]
    return SimpleNamespace(
        id="req-1", request_id="req-1", dialect=spoken, family=spoken.family, meter=spoken.meter(strip_usage=strip),
        plan=SimpleNamespace(watermark=wants, output=made and made()), ask=SimpleNamespace(model="sim-small"),
        principal=SimpleNamespace(account=SimpleNamespace(id="acme")), pays_as_it_goes=False, stop=None, refusal=None,
        captures=captures, captured=[], captured_cut=False, holding=None, output_findings=(),
        forwarded=SimpleNamespace(hide={}),
        waited_s=0.0, write_began_at=0.0, first_byte_at=0.0,
    )  # fmt: skip


async def relay(x, chunks, receipts=None, scales=None):
    """The caller and the outcome."""
    caller = Caller()
    pipeline = SimpleNamespace(clock=ManualClock(), receipts=receipts, scales=scales)
    outcome = await relay_for(pipeline, x, caller, FakeAnswer(*chunks)).run()
    return caller, outcome
